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

type planAnswer struct {
	Class      string    `json:"class"`
	Keep       string    `json:"keep"`
	Zone       string    `json:"zone"`
	Cutoff     time.Time `json:"cutoff"`
	Due        int       `json:"due"`
	Held       int       `json:"held"`            // of those, and so they stay
	Oldest     time.Time `json:"oldest,omitzero"` // start or withdrawal
	PlanHash   string    `json:"planHash"`
	PolicyHash string    `json:"policyHash"`
	Seconds    int       `json:"seconds"` // this and what follows are estimates: see purge.Cost
	WriteUnits int       `json:"writeUnits"`
	ReadUnits  int       `json:"readUnits"`
	CostUSD    float64   `json:"costUSD"` // on demand, us-east-1
}

func planned(class retention.Class, p purge.Plan, counted purge.Counted) planAnswer {
	cost := purge.Estimate(class.Name, p.Shards, counted.Held)
	return planAnswer{
		Class: class.Name, Keep: class.Keep.String(), Zone: class.Zone, Cutoff: p.Cutoff, Due: p.Due(), Held: counted.Held, Oldest: p.Oldest,
		PlanHash: p.Hash(), PolicyHash: p.PolicyHash, Seconds: int(cost.Time.Seconds()),
		WriteUnits: cost.WriteUnits, ReadUnits: cost.ReadUnits, CostUSD: cost.Dollars(),
	}
}

func (a planAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "class   %s, kept for %s by the dates of %s\n", a.Class, a.Keep, a.Zone)
	fmt.Fprintf(w, "due     %d at %s\n", a.Due, a.Cutoff.Format(time.RFC3339))
	fmt.Fprintf(w, "held    %d of them\n", a.Held)
	if !a.Oldest.IsZero() {
		fmt.Fprintf(w, "oldest  %s, its start or withdrawal\n", a.Oldest.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "time    about %s, a rough estimate\n", time.Duration(a.Seconds)*time.Second)
	fmt.Fprintf(w, "cost    at most about $%.2f, an estimate for records of up to 1 KB without objects: %d write units\n"+
		"        and %d read units of DynamoDB, files, functions\n", math.Ceil(a.CostUSD*100)/100, a.WriteUnits, a.ReadUnits)
	fmt.Fprintf(w, "plan    %s\n\n", a.PlanHash)
	fmt.Fprintf(w, "This was a dry run, nothing is deleted. `stille purge run %s` would\n"+
		"count again, delete what is due then, keep what is under a hold or changed\n"+
		"meanwhile, read everything again and sign a certificate.\n", a.Class)
}

// Run counts.
func (p purgePlan) Run(ctx context.Context, s *session) error {
	class, policy, err := s.class(ctx, p.Class)
	if err != nil {
		return err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	cutoff := s.now().Truncate(time.Second)
	made, err := purge.Make(ctx, sys.records, class, policy.Hash(), cutoff)
	if err != nil {
		return err
	}
	counted, err := purge.Count(ctx, sys.records, sys.holds, class, cutoff)
	if err != nil {
		return err
	}
	return s.show(planned(class, made, counted))
}
