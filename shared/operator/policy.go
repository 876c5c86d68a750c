package operator

import (
	"errors"
	"strings"
	"time"

	"stille/shared/retention"
	"stille/shared/strictyaml"
)

// PolicyCheck is what a policy says, or what is wrong with it.
type PolicyCheck struct {
	Valid    bool                `json:"valid"`
	Hash     string              `json:"hash,omitempty"`
	Classes  []CheckedClass      `json:"classes,omitempty"`
	Mistakes strictyaml.Mistakes `json:"mistakes,omitempty"`
}

// CheckedClass is a class with an example: a record that starts now.
type CheckedClass struct {
	Class   string `json:"class"`
	Hash    string `json:"hash"` // what plans and certificates of the class rest on
	Retired bool   `json:"retired,omitempty"`
	Keep    string `json:"keep"`
	Promise string `json:"promise"`
	Minimum string `json:"minimum,omitempty"` // a law keeps the record for that long
	KeptBy  string `json:"keptBy,omitempty"`  // the law
	Zone    string `json:"zone"`
	DueDay
	NextPurge time.Time `json:"nextPurge"`
}

// CheckPolicy reads the text of a policy. The error of mistakes comes with the answer.
func CheckPolicy(text []byte, now time.Time) (*PolicyCheck, error) {
	policy, err := retention.LoadPolicy(text)
	if err != nil {
		check := &PolicyCheck{}
		errors.As(err, &check.Mistakes)
		return check, err
	}
	now = now.UTC().Truncate(time.Second)
	check := &PolicyCheck{Valid: true, Hash: policy.Hash()}
	for _, c := range policy.Classes {
		class := CheckedClass{
			Class: c.Name, Hash: c.Hash(), Retired: c.Retired, Keep: c.Keep.String(), Promise: c.Promise.String(), KeptBy: c.KeptBy,
			Zone: c.Zone, NextPurge: c.NextPurge(now), DueDay: newDueDay(now.Format(time.RFC3339), now, c.Keep, c.Minimum, c.Location()),
		}
		if c.HasMinimum() {
			class.Minimum = c.Minimum.String()
		}
		check.Classes = append(check.Classes, class)
	}
	return check, nil
}

// DueDay tells when a record is due.
type DueDay struct {
	Start       string    `json:"start"` // as given
	KeptThrough string    `json:"keptThrough"`
	DueFrom     time.Time `json:"dueFrom"`
	// LawKeepsThrough is the last day on which a law keeps the record, even after an
	// erasure; empty without a minimum.
	LawKeepsThrough string `json:"lawKeepsThrough,omitempty"`
}

func newDueDay(text string, start time.Time, keep, minimum retention.Period, zone *time.Location) DueDay {
	day := DueDay{Start: text, KeptThrough: keep.LastDay(start, zone).String(), DueFrom: keep.DueFrom(start, zone)}
	if minimum != (retention.Period{}) {
		day.LawKeepsThrough = minimum.LastDay(start, zone).String()
	}
	return day
}

// lastYear is the last that a time in RFC 3339 can have.
const lastYear = 9999

// Due tells when a record is due that started at a time, or on a day of the zone, and
// until when a law keeps it if there is a minimum.
func Due(text string, keep, minimum retention.Period, zone *time.Location) (*DueDay, error) {
	if minimum != (retention.Period{}) && minimum.MayOutlast(keep) {
		return nil, Mistakef("a record cannot be kept for %v if a law keeps it for %v: a policy with such a class is refused", keep, minimum)
	}
	start, err := parseStart(strings.TrimSpace(text), zone)
	if err != nil {
		return nil, err
	}
	day := newDueDay(text, start, keep, minimum, zone)
	if day.DueFrom.Year() > lastYear {
		return nil, Mistakef("the record would be due after the year %d", lastYear)
	}
	return &day, nil
}
