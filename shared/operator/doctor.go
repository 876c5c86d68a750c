package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stille/shared/contact"
	"stille/shared/names"
)

// Complaint is one thing that is wrong with the stack or its account.
type Complaint struct {
	About string `json:"about"`
	Wrong string `json:"wrong"`
	Next  string `json:"next"` // what to type or to do
}

// Examination looks at one thing. An error of Look means that nobody knows.
type Examination struct {
	About string
	Look  func(ctx context.Context) ([]Complaint, error)
}

// AboutAlarms is the examination that Status makes, too.
const AboutAlarms = "alarms"

// alarms looks at the alarms alone.
func (o *Operator) alarms(ctx context.Context) ([]Complaint, error) {
	for _, e := range o.Examinations {
		if e.About == AboutAlarms {
			return e.Look(ctx)
		}
	}
	return nil, nil
}

// foreignKeys looks whether the contact keys made the suppression list.
func (o *Operator) foreignKeys(ctx context.Context) ([]Complaint, error) {
	_, err := o.contactKeys(ctx)
	if !errors.Is(err, contact.ErrForeignKeys) {
		return nil, err
	}
	return []Complaint{{
		Wrong: "other contact keys made the suppression list: no opt-out is found, and nothing may be sent",
		Next:  "put the key set that made the list back into the secret " + names.Stack(o.Stack).ContactKeys(),
	}}, nil
}

// Diagnosis is what the examinations found.
type Diagnosis struct {
	Where      string      `json:"where"`
	Examined   []string    `json:"examined"`
	Complaints []Complaint `json:"complaints"`
}

// Well is what was examined and is not complained of.
func (d Diagnosis) Well() []string {
	return slices.DeleteFunc(slices.Clone(d.Examined), func(about string) bool {
		return slices.ContainsFunc(d.Complaints, func(c Complaint) bool { return c.About == about })
	})
}

// Doctor carries out every examination of the stack, and more. What cannot be
// examined is a complaint. It works before the first deploy.
func (o *Operator) Doctor(ctx context.Context, more ...Examination) (*Diagnosis, error) {
	found := &Diagnosis{Where: o.Where, Complaints: []Complaint{}}
	for _, e := range slices.Concat(o.Examinations, []Examination{{"contact keys", o.foreignKeys}}, more) {
		found.Examined = append(found.Examined, e.About)
		complaints, err := e.Look(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			complaints = []Complaint{{
				Wrong: fmt.Sprintf("it cannot be examined: %v", err),
				Next:  "give who works here the right to read it, or deploy first: infra/DEPLOY.md",
			}}
		}
		for _, c := range complaints {
			c.About = e.About
			found.Complaints = append(found.Complaints, c)
		}
	}
	return found, nil
}
