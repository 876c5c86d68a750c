package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/purge"
)

type mend struct {
	Class string `arg:"" help:"The retention class."`
	Rate  uint32 `placeholder:"N" help:"Repair at most N records a second; without it, as fast as the table takes them."`
}

func (m mend) Run(ctx context.Context, s *session, o *operator.Operator) error {
	shown := s.progress()
	answer, err := files.Mend(ctx, o, s.folder, m.Class, int(m.Rate), s.sleep, func(records int) { shown.at(records, 0, "records read") })
	shown.end()
	return show(s, answer, err, func(w io.Writer, did *purge.Mended) {
		fmt.Fprintf(w, "scanned    %d\nstamped    %d\nwithdrawn  %d\nclaimed    %d\n", did.Scanned, did.Stamped, did.Withdrawn, did.Claimed)
		if did.Faults > 0 {
			fmt.Fprintf(w, "\n%d records cannot be repaired: a start is implausible, an attribute is unreadable, or another record has the contact's slot. The audit names them.\n", did.Faults)
		}
	})
}
