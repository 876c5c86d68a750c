package main

import (
	"fmt"
	"io"
	"path/filepath"

	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/operator/files"
)

type policies struct {
	Check policyCheck `cmd:"" help:"Read the retention policy and name every mistake at once."`
}

type policyCheck struct {
	File string `arg:"" optional:"" help:"The policy file; the default is infra/retention.yaml, at or above the working directory."`
}

func policyTable(w io.Writer, a *operator.PolicyCheck) {
	if !a.Valid {
		return // the mistakes are the error
	}
	fmt.Fprintf(w, "The policy has no mistakes. Its hash is %s\n\n", a.Hash)
	t := newTable(w, "CLASS", "KEEP", "PROMISE", "ZONE", "WHAT STARTS", "IS KEPT THROUGH", "IS DUE FROM", "NEXT PURGE")
	for _, c := range a.Classes {
		t.row(c.Class, c.Keep, c.Promise, c.Zone, c.Start, c.KeptThrough, c.DueFrom, c.NextPurge)
	}
	t.end()
	for _, c := range a.Classes {
		if c.Minimum != "" {
			fmt.Fprintf(w, "\n%s: no erasure and no opt-out deletes a record before %s is over (%s).\n", c.Class, c.Minimum, c.KeptBy)
		}
	}
}

func (p policyCheck) Run(s *session) error {
	name := p.File
	if name == "" {
		var found bool
		if name, found = findUpwards(s.folder, filepath.Join("infra", names.RetentionFile)); !found {
			return usage("there is no infra/%s at or above the working directory: say `stille policy check FILE`", names.RetentionFile)
		}
	}
	text, err := files.Read(name)
	if err != nil {
		return err
	}
	answer, err := operator.CheckPolicy(text, s.now())
	if err != nil {
		err = usage("%s:\n%v", name, err)
	}
	return show(s, answer, err, policyTable)
}
