package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/strictyaml"
)

type policies struct {
	Check policyCheck `cmd:"" help:"Read the retention policy and name every mistake at once."`
}

type policyCheck struct {
	File string `arg:"" optional:"" help:"The policy file; the default is infra/retention.yaml, at or above the working directory."`
}

type policyAnswer struct {
	Valid    bool                `json:"valid"`
	Hash     string              `json:"hash,omitempty"`
	Classes  []policyClass       `json:"classes,omitempty"`
	Mistakes strictyaml.Mistakes `json:"mistakes,omitempty"`
}

// policyClass is a class with an example: a record that starts now.
type policyClass struct {
	Class       string    `json:"class"`
	Hash        string    `json:"hash"` // what plans and certificates of the class rest on
	Retired     bool      `json:"retired,omitempty"`
	Keep        string    `json:"keep"`
	Promise     string    `json:"promise"`
	Minimum     string    `json:"minimum,omitempty"` // a law keeps the record for that long
	KeptBy      string    `json:"keptBy,omitempty"`  // the law
	Zone        string    `json:"zone"`
	Start       time.Time `json:"start"`
	KeptThrough string    `json:"keptThrough"`
	DueFrom     time.Time `json:"dueFrom"`
	NextPurge   time.Time `json:"nextPurge"`
}

func policyTable(w io.Writer, a *policyAnswer) {
	if !a.Valid {
		return // the mistakes are the error
	}
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
	fmt.Fprintf(w, "\nThe policy has no mistakes. Its hash is %s\n", a.Hash)
}

func (p policyCheck) read(folder string) (*retention.Policy, error) {
	file := p.File
	if file == "" {
		var found bool
		if file, found = upwards(folder, filepath.Join("infra", names.RetentionFile)); !found {
			return nil, fmt.Errorf("there is no infra/%s at or above the working directory: say `stille policy check FILE`", names.RetentionFile)
		}
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no such file")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	policy, err := retention.LoadPolicy(data)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	return policy, nil
}

func (p policyCheck) Run(s *session) error {
	policy, err := p.read(s.folder)
	var mistakes strictyaml.Mistakes
	if errors.As(err, &mistakes) {
		return show(s, &policyAnswer{Mistakes: mistakes}, usage("%v", err), policyTable)
	}
	if err != nil {
		return err
	}
	now := s.now().UTC().Truncate(time.Second)
	answer := &policyAnswer{Valid: true, Hash: policy.Hash()}
	for _, c := range policy.Classes {
		class := policyClass{
			Class: c.Name, Hash: c.Hash(), Retired: c.Retired, Keep: c.Keep.String(), Promise: c.Promise.String(), Zone: c.Zone, Start: now,
			KeptThrough: c.Keep.LastDay(now, c.Location()).String(), DueFrom: c.Keep.DueFrom(now, c.Location()), NextPurge: c.NextPurge(now),
			KeptBy: c.KeptBy,
		}
		if c.HasMinimum() {
			class.Minimum = c.Minimum.String()
		}
		answer.Classes = append(answer.Classes, class)
	}
	return show(s, answer, nil, policyTable)
}
