package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type doctor struct{}

func (doctor) Run(ctx context.Context, s *session) error {
	on, err := s.stack(ctx)
	if err != nil {
		return err
	}
	answer, err := on.Doctor(ctx, operator.Examination{About: "retention policy", Look: func(ctx context.Context) ([]operator.Complaint, error) {
		file, differs, err := s.otherPolicy(ctx, on)
		if err != nil || !differs {
			return nil, err
		}
		return []operator.Complaint{{Wrong: file + " is not the deployed policy", Next: "make diff ENV=…, then make deploy ENV=…"}}, nil
	}})
	err = show(s, answer, err, doctorText)
	return unless(answer != nil && len(answer.Complaints) == 0, err)
}

func doctorText(w io.Writer, a *operator.Diagnosis) {
	wrong := map[string]bool{}
	for _, c := range a.Complaints {
		wrong[c.About] = true
		fmt.Fprintf(w, "%s: %s\n  do: %s\n", c.About, c.Wrong, c.Next)
	}
	for _, about := range a.Examined {
		if !wrong[about] {
			fmt.Fprintf(w, "%s: well\n", about)
		}
	}
}
