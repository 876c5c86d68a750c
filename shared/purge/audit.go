package purge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// AuditWork is the work on one segment of an audit: the scan step's input and
// output.
type AuditWork struct {
	Class   string `json:"class"`
	Run     string `json:"run"`
	Segment int    `json:"segment"`
	Of      int    `json:"of"`              // number of segments
	Call    int    `json:"call"`            // number of earlier calls on the segment
	After   string `json:"after,omitempty"` // the last id that those calls read
	Done    bool   `json:"done"`
}

// AuditPart is what one call found in its segment. The ids are as their owners
// wrote them.
type AuditPart struct {
	AuditWork                       // as the call returned it
	From       string               `json:"from,omitempty"` // After in the call's input
	PolicyHash string               `json:"policyHash"`     // of the policy that judged the records
	Records    int                  `json:"records"`        // number of records read
	Counts     map[Finding]int      `json:"counts"`
	IDs        map[Finding][]string `json:"ids"` // of at most mostIDs each
}

// AuditParts keeps the results of the calls of audits.
type AuditParts interface {
	// StorePart keeps a part, in place of an earlier part of the same call.
	StorePart(ctx context.Context, part AuditPart) error
	// Parts returns the parts of all calls of an audit.
	Parts(ctx context.Context, class, run string) ([]AuditPart, error)
}

// List is the suppression list, read strongly.
type List interface {
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
}

// Auditor reads every record of a class and deletes none.
type Auditor struct {
	Records    Records
	List       List
	Holds      Holds
	Parts      AuditParts
	PolicyHash string
	Pause      time.Duration // between two looks at changes that the streams may still deliver
	Now        func() time.Time
}

const (
	mostIDs = 1000 // of a finding in a part, and in a report

	// mostLooked is how many records a call looks at again. More faults cannot
	// come from a late stream.
	mostLooked = 10_000

	// looks is how often a call looks again at changes that the streams may deliver.
	looks = 6
)

// Segment reads page after page until the segment is done or more returns false,
// looks again at what it found, stores that and returns how far it came. After an
// error, Segment may be called again with the same work.
func (a Auditor) Segment(ctx context.Context, class retention.Class, work AuditWork, more func() bool) (AuditWork, error) {
	doing := fmt.Sprintf("auditing segment %d of %s", work.Segment, work.Class)
	part := AuditPart{From: work.After, PolicyHash: a.PolicyHash, Counts: map[Finding]int{}, IDs: map[Finding][]string{}}
	found := map[string][]Finding{} // id -> its findings
	for !work.Done && more() {
		page, err := a.Records.Scan(ctx, work.Class, Segment{Number: work.Segment, Of: work.Of}, work.After, pageSize)
		if err != nil {
			return work, fmt.Errorf("%s: %w", doing, err)
		}
		wrong, err := a.examine(ctx, class, page.Records, page.Unreadable)
		if err != nil {
			return work, fmt.Errorf("%s: %w", doing, err)
		}
		for id, findings := range wrong {
			if len(found) < mostLooked {
				found[id] = findings
			} else {
				part.count(id, findings)
			}
		}
		part.Records += len(page.Records) + len(page.Unreadable)
		work.After, work.Done = page.Last, page.Last == ""
	}
	if err := a.lookAgain(ctx, class, found, looks); err != nil {
		return work, fmt.Errorf("%s: %w", doing, err)
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		part.count(id, found[id])
	}
	part.AuditWork = work
	if err := a.Parts.StorePart(ctx, part); err != nil {
		return work, fmt.Errorf("%s: %w", doing, err)
	}
	work.Call++
	return work, nil
}

// Standing counts the records in an audit's report whose faults still stand: of each
// finding the records that the report names. It leaves out what is overdue, which
// CountOverdue counts.
func (a Auditor) Standing(ctx context.Context, class retention.Class, report Report) (int, error) {
	found := map[string][]Finding{}
	for finding, of := range report.Findings {
		if !finding.Fault() || finding == Overdue {
			continue
		}
		for _, id := range of.IDs {
			found[id] = append(found[id], finding)
		}
	}
	if err := a.lookAgain(ctx, class, found, 1); err != nil {
		return 0, fmt.Errorf("looking what an audit of %s found: %w", class.Name, err)
	}
	return len(found), nil
}

// lookAgain is lookAgain for all that an audit examines.
func (a Auditor) lookAgain(ctx context.Context, class retention.Class, found map[string][]Finding, times int) error {
	return lookAgain(ctx, a.Records, class.Name, found, func(records []retention.Stored, unreadable []string) (map[string][]Finding, error) {
		return a.examine(ctx, class, records, unreadable)
	}, times, a.Pause)
}

func (p *AuditPart) count(id string, findings []Finding) {
	for _, f := range findings {
		p.Counts[f]++
		if len(p.IDs[f]) < mostIDs {
			p.IDs[f] = append(p.IDs[f], id)
		}
	}
}

// An examination returns the findings of each record that has any.
type examination func(records []retention.Stored, unreadable []string) (map[string][]Finding, error)

// lookAgain removes from found every record that is no longer wrong: the record
// was written or deleted while the segment was read. It looks some times, with a pause
// for changes that the streams may still deliver.
func lookAgain(ctx context.Context, records Records, class string, found map[string][]Finding, examine examination, times int, pause time.Duration) error {
	for n := range times {
		if n > 0 {
			if !mayMend(found) {
				return nil
			}
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(found)), MaxDeletes) {
			there, unreadable, err := records.Load(ctx, class, ids)
			if err != nil {
				return err
			}
			still, err := examine(slices.Collect(maps.Values(there)), slices.Collect(maps.Keys(unreadable)))
			if err != nil {
				return err
			}
			keepLasting(found, ids, still)
		}
	}
	return nil
}

func mayMend(found map[string][]Finding) bool {
	for _, findings := range found {
		if slices.ContainsFunc(findings, Finding.onItsWay) {
			return true
		}
	}
	return false
}

// keepLasting keeps of the records' findings those that still stand.
func keepLasting(found map[string][]Finding, ids []string, still map[string][]Finding) {
	for _, id := range ids {
		found[id] = slices.DeleteFunc(found[id], func(f Finding) bool { return !slices.Contains(still[id], f) })
		if len(found[id]) == 0 {
			delete(found, id)
		}
	}
}

// examine returns the findings of each record that has any.
func (a Auditor) examine(ctx context.Context, class retention.Class, records []retention.Stored, unreadable []string) (map[string][]Finding, error) {
	now := a.Now()
	listed, err := a.lookUp(ctx, records)
	if err != nil {
		return nil, err
	}
	held, err := a.holdsOnOverdue(ctx, class, records, now)
	if err != nil {
		return nil, err
	}
	found := map[string][]Finding{}
	for _, id := range unreadable {
		found[id] = []Finding{Unreadable}
	}
	for i, record := range records {
		examined := Examined{
			Stored: record, Listed: listed[i],
			Held: held.Any(record.Targets(class.Name)),
		}
		if findings := examined.Findings(class, now); len(findings) > 0 {
			found[record.ID] = findings
		}
	}
	return found, nil
}

// lookUp returns what the suppression list says of each record's subject; nothing
// for a record without a subject.
func (a Auditor) lookUp(ctx context.Context, records []retention.Stored) ([]suppression.Found, error) {
	asked := make([][]contact.Key, len(records))
	for i, record := range records {
		asked[i] = record.Subjects()
	}
	return a.List.Lookup(ctx, asked)
}

// holdsOnOverdue returns the holds on overdue records. Other holds do not matter here.
func (a Auditor) holdsOnOverdue(ctx context.Context, class retention.Class, records []retention.Stored, now time.Time) (HeldTargets, error) {
	var targets []retention.Target
	for _, record := range records {
		if isOverdue(class, record.Record, now) {
			targets = append(targets, record.Targets(class.Name)...)
		}
	}
	return a.Holds.Held(ctx, targets)
}
