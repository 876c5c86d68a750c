package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"stille/shared/dynamo"
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
	dollarsMillion  = 0.625 // a million units, us-east-1
)

// How long a purge takes, roughly: a page is a dozen calls, one after another;
// around the pages it plans, asks the index twice and signs.
const (
	aPage       = 400 * time.Millisecond
	aroundPages = 20 * time.Second
	pagesAtOnce = 16
)

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
	Seconds    int       `json:"seconds"`    // estimate
	WriteUnits int       `json:"writeUnits"` // estimate, see CostUSD
	CostUSD    float64   `json:"costUSD"`    // estimate, at most, for records up to 1 KB
}

func planned(class retention.Class, p purge.Plan, counted purge.Counted) planAnswer {
	units := (p.Due() - counted.Held) * (unitsRecord + indexesOfRecord)
	return planAnswer{
		Class: class.Name, Keep: class.Keep.String(), Zone: class.Zone, Cutoff: p.Cutoff, Due: p.Due(), Held: counted.Held, Oldest: p.Oldest,
		PlanHash: p.Hash(), PolicyHash: p.PolicyHash, Seconds: int(duration(p.Shards).Seconds()),
		WriteUnits: units, CostUSD: float64(units) * dollarsMillion / 1e6,
	}
}

// duration estimates how long a purge takes: so many shards work at a time,
// and each goes page by page.
func duration(shards []int) time.Duration {
	pages, longest := 0, 0
	for _, due := range shards {
		of := (due + dynamo.MaxDeletes - 1) / dynamo.MaxDeletes
		pages, longest = pages+of, max(longest, of)
	}
	return aroundPages + aPage*time.Duration(max(longest, (pages+pagesAtOnce-1)/pagesAtOnce))
}

func (a planAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "class   %s, kept for %s by the dates of %s\n", a.Class, a.Keep, a.Zone)
	fmt.Fprintf(w, "due     %d at %s\n", a.Due, a.Cutoff.Format(time.RFC3339))
	fmt.Fprintf(w, "held    %d of them\n", a.Held)
	if !a.Oldest.IsZero() {
		fmt.Fprintf(w, "oldest  %s, its start or withdrawal\n", a.Oldest.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "time    about %s, a rough estimate\n", time.Duration(a.Seconds)*time.Second)
	fmt.Fprintf(w, "cost    at most about $%.2f, an estimate: %d records of up to 1 KB, each %d write units and %d for its indexes,\n"+
		"        are %d units at $%.3f a million\n", math.Ceil(a.CostUSD*100)/100, a.Due-a.Held, unitsRecord, indexesOfRecord, a.WriteUnits, dollarsMillion)
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
