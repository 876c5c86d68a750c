package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type drills struct {
	Restore drillRestore `cmd:"" help:"Restore a class's table beside the stack, repair it and compare it."`
}

type drillRestore struct {
	Class string `arg:"" help:"The retention class."`
	Out   string `default:"." placeholder:"DIR" help:"Folder to put the folder with the certificate of the drill into; it is made if it does not exist."`
}

// mostTwins is how many differing records the text names.
const mostTwins = 10

func (d drillRestore) Run(ctx context.Context, s *session, o *operator.Operator) error {
	drilled, err := o.DrillRestore(ctx, d.Class)
	if drilled == nil {
		return err
	}
	if err := files.WriteDrill(d.Out, drilled); err != nil {
		return err
	}
	return show(s, drilled, err, func(w io.Writer, a *operator.Drilled) {
		fmt.Fprintf(w, "drill        %s\ntable        %s, deleted again\ncopied       %d\nstamped      %d\nwithdrawn    %d\nclaimed      %d\nsame         %d\nchanged      %d, since they were copied\ndifferent    %d\n",
			drillOutcome(a), a.Table, a.Copied, a.Mended.Stamped, a.Mended.Withdrawn, a.Mended.Claimed, a.Twins.Same, a.Twins.Changed, len(a.Twins.Different))
		for i, twin := range a.Twins.Different {
			if i == mostTwins {
				fmt.Fprintln(w, "  more stand in the certificate")
				break
			}
			fmt.Fprintf(w, "  %s in %s\n", twin.ID, strings.Join(twin.Attributes, ", "))
		}
		fmt.Fprintf(w, "certificate  %s\n", a.File)
		next(w, "stille certificate verify "+filepath.Dir(a.File))
	})
}

func drillOutcome(d *operator.Drilled) string {
	if d.Passed {
		return "passed"
	}
	return "FAILED"
}
