package operator

import (
	"context"
	"fmt"
	"slices"
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
	for _, e := range append(o.Examinations, more...) {
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
