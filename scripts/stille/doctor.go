package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type doctor struct{}

// Help says what is examined.
func (doctor) Help() string {
	return `Looks at the account and the stack: the CDK bootstrap, the Lambda limit, what feeds the functions, the keys, the alarms and who hears them, SES, the phone numbers, the link domains, and the policy of this checkout. It works before a deploy and after, and changes nothing. It ends with 4 if something is wrong, else with 0.`
}

// Run examines the stack.
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
