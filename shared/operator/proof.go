package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Fate is what became of a record.
type Fate string

// What may have become of a record.
const (
	FateDeleted Fate = "deleted" // a certificate lists the record
	FatePurging Fate = "purging" // a run has marked the record and deletes its objects
	FateHeld    Fate = "held"
	FateKept    Fate = "kept" // the record is not due yet
	FateDue     Fate = "due"  // the next purge takes the record up
	FateUnknown Fate = "unknown"
)

// Proof tells what became of a record, and what proves it.
type Proof struct {
	Class string `json:"class"`
	ID    string `json:"id"`
	Fate  Fate   `json:"fate"`

	KeptThrough string    `json:"keptThrough,omitempty"` // absent for a running record, and for one that was withdrawn earlier
	DueFrom     time.Time `json:"dueFrom,omitzero"`
	Withdrawn   time.Time `json:"withdrawnAt,omitzero"`
	Holds       []Hold    `json:"holds,omitempty"`

	Run          string    `json:"run,omitempty"` // that deleted the record, or deletes it
	DeletedAt    time.Time `json:"deletedAt,omitzero"`
	Certificate  string    `json:"certificate,omitempty"` // its hash
	BackupGoneOn string    `json:"backupGoneOn,omitempty"`

	NotCertified []string `json:"notCertified,omitempty"` // runs that may have deleted the record without a certificate yet
}

// Prove tells what became of a record.
func (o *Operator) Prove(ctx context.Context, name, id string) (*Proof, error) {
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := retention.CheckID(id); err != nil {
		return nil, Mistakef("the id %v", err)
	}
	proof := &Proof{Class: class.Name, ID: id, Fate: FateUnknown}
	record, err := o.Records.Get(ctx, class.Name, id)
	switch {
	case errors.Is(err, retention.ErrUnreadable):
		return nil, fmt.Errorf("the record is there, and %w: no purge deletes it, and each counts it as failed", err)
	case errors.Is(err, retention.ErrNoRecord):
		if proof.Holds, err = o.activeHolds(ctx, retention.RecordTarget(class.Name, id)); err != nil {
			return nil, err
		}
		if err := o.proveDeleted(ctx, proof); err != nil {
			return nil, err
		}
		return proof, nil
	case err != nil:
		return nil, err
	}
	if proof.Holds, err = o.activeHolds(ctx, record.Targets(class.Name)...); err != nil {
		return nil, err
	}
	proof.there(class, record, o.Now())
	return proof, nil
}

// there tells how a record stands that exists.
func (p *Proof) there(class retention.Class, record retention.Stored, now time.Time) {
	p.Run, p.Withdrawn = record.PurgingBy, record.WithdrawnAt
	if due, ended := class.DueFrom(record.Record); ended {
		p.DueFrom = due
	}
	if !record.Start.IsZero() && !p.DueFrom.Equal(record.WithdrawnAt) {
		p.KeptThrough = class.Keep.LastDay(record.Start, class.Location()).String()
	}
	switch {
	case record.PurgingBy != "":
		p.Fate = FatePurging
	case len(p.Holds) > 0:
		p.Fate = FateHeld
	case class.Due(record.Record, now):
		p.Fate = FateDue
	default:
		p.Fate = FateKept
	}
}

// activeHolds lists the holds on the targets that are not lifted.
func (o *Operator) activeHolds(ctx context.Context, targets ...retention.Target) ([]Hold, error) {
	all, err := o.holdsOn(ctx, targets)
	return newHolds(slices.DeleteFunc(all, func(h retention.Hold) bool { return !h.Active() })), err
}

// proveDeleted looks for the certificate that lists a record, the newest
// certificate first.
func (o *Operator) proveDeleted(ctx context.Context, proof *Proof) error {
	hmac, err := o.HMAC(ctx, proof.Class, proof.ID)
	if err != nil {
		return err
	}
	files, err := o.Certificates(ctx)
	if err != nil {
		return err
	}
	keys, err := files.PublicKeys(ctx)
	if err != nil {
		return err
	}
	if proof.NotCertified, err = o.notCertified(ctx, proof.Class); err != nil {
		return err
	}
	all, err := o.allCertificates(ctx, files, proof.Class)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b issued) int { return b.EndedAt.Compare(a.EndedAt) })
	for _, c := range all {
		if c.Counts.Deleted == 0 {
			continue
		}
		var listed atomic.Bool
		_, err := certificate.Verify(c.Signed, func(shard string) ([]byte, error) {
			list, err := files.LoadList(ctx, proof.Class, c.Run, shard)
			if certificate.Contains(list, hmac) {
				listed.Store(true)
			}
			return list, err
		}, keys...)
		if err != nil {
			return aboutCertificate(c.Run, err)
		}
		if listed.Load() {
			proof.Fate, proof.NotCertified = FateDeleted, nil
			proof.Run, proof.DeletedAt, proof.Certificate, proof.BackupGoneOn = c.Run, c.EndedAt, certificate.Hash(c.JSON), c.BackupGoneOn
			return nil
		}
	}
	return nil
}

// notCertified are the purges of a class without a certificate.
func (o *Operator) notCertified(ctx context.Context, class string) ([]string, error) {
	runs, err := o.Runs.List(ctx, class)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, run := range runs {
		if !run.Audit && !run.Certified() {
			ids = append(ids, run.ID)
		}
	}
	return ids, nil
}
