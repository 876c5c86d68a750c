package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

type purgePlan struct {
	Class string `arg:"" help:"A class of the retention policy."`
}

// Help says what it does not do.
func (purgePlan) Help() string {
	return `Reads what is due now and deletes nothing.

    $ stille purge plan messaging`
}

// What deleting a record costs on demand, in write request units: a
// transaction takes two a KB, and each index the record is in one.
const (
	unitsRecord     = 2
	indexesOfRecord = 3
	dollarsUnit     = 0.625 / 1e6 // us-east-1
)

type planAnswer struct {
	Class      string    `json:"class"`
	Keep       string    `json:"keep"`
	Zone       string    `json:"zone"`
	Cutoff     time.Time `json:"cutoff"`
	Due        int       `json:"due"`
	Oldest     time.Time `json:"oldest,omitzero"` // start or withdrawal
	PlanHash   string    `json:"planHash"`
	PolicyHash string    `json:"policyHash"`
	WriteUnits int       `json:"writeUnits"` // estimate, see CostUSD
	CostUSD    float64   `json:"costUSD"`    // estimate, at most, for records up to 1 KB
}

func planned(class retention.Class, p purge.Plan) planAnswer {
	units := p.Due() * (unitsRecord + indexesOfRecord)
	return planAnswer{
		Class: class.Name, Keep: class.Keep.String(), Zone: class.Zone, Cutoff: p.Cutoff, Due: p.Due(), Oldest: p.Oldest,
		PlanHash: p.Hash(), PolicyHash: p.PolicyHash, WriteUnits: units, CostUSD: float64(units) * dollarsUnit,
	}
}

func (a planAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "class   %s, kept for %s by the dates of %s\n", a.Class, a.Keep, a.Zone)
	fmt.Fprintf(w, "due     %d at %s\n", a.Due, a.Cutoff.Format(time.RFC3339))
	if !a.Oldest.IsZero() {
		fmt.Fprintf(w, "oldest  %s, its start or withdrawal\n", a.Oldest.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "cost    at most about $%.2f: an estimate for records up to 1 KB, %d write units\n", math.Ceil(a.CostUSD*100)/100, a.WriteUnits)
	fmt.Fprintf(w, "plan    %s\n\n", a.PlanHash)
	fmt.Fprintf(w, "This was a dry run, nothing is deleted. `stille purge run %s` would\n"+
		"count again, delete what is due then, keep what is under a hold or changed\n"+
		"meanwhile, read everything again and sign a certificate.\n", a.Class)
}

// Run counts.
func (p purgePlan) Run(ctx context.Context, s *session) error {
	class, policy, err := s.class(p.Class)
	if err != nil {
		return err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	made, err := purge.Make(ctx, sys.records, class, policy.Hash(), s.now().Truncate(time.Second))
	if err != nil {
		return err
	}
	return s.show(planned(class, made))
}
