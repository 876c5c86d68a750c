package purge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

var (
	// ErrUnscanned means that the parts of an audit do not cover the class.
	ErrUnscanned = errors.New("the audit has not read every record")
	// ErrOtherPolicy means that another policy was deployed during the audit: its
	// parts were judged by two policies.
	ErrOtherPolicy = errors.New("another policy was deployed during the audit")
)

// Report is the result of an audit. It names a record only by an id that tells
// nothing of a person, and holds no personal data.
type Report struct {
	Class      string            `json:"class"`
	Run        string            `json:"run"`
	StartedAt  time.Time         `json:"startedAt"`
	PolicyHash string            `json:"policyHash"`
	Records    int               `json:"records"`  // number of records read
	Findings   map[Finding]Found `json:"findings"` // every finding
}

// Found is the records with one finding.
type Found struct {
	Count int `json:"count"`
	// IDs are the first ids of these records in order, at most 1,000, without
	// ids that look like an address or a number.
	IDs []string `json:"ids"`
}

// MakeReport merges the parts of an audit. The error wraps ErrUnscanned unless the
// parts cover every segment from its beginning to its end, or ErrOtherPolicy.
func MakeReport(class, run string, startedAt time.Time, policyHash string, parts []AuditPart) (Report, error) {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b AuditPart) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Call, b.Call))
	})
	if err := complete(parts); err != nil {
		return Report{}, err
	}
	report := Report{Class: class, Run: run, StartedAt: startedAt.UTC(), PolicyHash: policyHash, Findings: map[Finding]Found{}}
	for _, f := range Every() {
		all := Found{IDs: []string{}}
		for _, part := range parts {
			all.Count += part.Counts[f]
			all.IDs = append(all.IDs, part.IDs[f]...)
		}
		all.IDs = slices.DeleteFunc(all.IDs, func(id string) bool { return !retention.MayShowID(id) })
		slices.Sort(all.IDs)
		all.IDs = all.IDs[:min(len(all.IDs), mostIDs)]
		report.Findings[f] = all
	}
	for _, part := range parts {
		report.Records += part.Records
		if part.PolicyHash != policyHash {
			return Report{}, ErrOtherPolicy
		}
	}
	return report, nil
}

// complete checks that sorted parts follow one another from the beginning of
// the first segment to the end of the last.
func complete(parts []AuditPart) error {
	next := AuditWork{}
	for _, p := range parts {
		if p.Segment != next.Segment || p.Call != next.Call || p.From != next.After || p.Of != parts[0].Of {
			return ErrUnscanned
		}
		next.Call, next.After = next.Call+1, p.After
		if p.Done {
			next = AuditWork{Segment: next.Segment + 1}
		}
	}
	if len(parts) == 0 || next.Segment != parts[0].Of {
		return ErrUnscanned
	}
	return nil
}

// Encode returns the report as it is stored. Equal reports have equal bytes.
func (r Report) Encode() ([]byte, error) {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing a report: %w", err)
	}
	return append(encoded, '\n'), nil
}

// Counts are the counts of the audit's certificate: the overdue records.
func (r Report) Counts() certificate.Counts {
	held, failed := r.Findings[OverdueHeld].Count, r.Findings[Overdue].Count
	return certificate.Counts{Due: held + failed, Held: held, Failed: failed}
}
