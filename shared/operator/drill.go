package operator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stille/shared/certificate"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Drill is the tables of a restore that is rehearsed.
type Drill interface {
	// Copy makes the tables and returns the number of records that it copied. lost
	// names the attributes that a record does not have in the backup.
	Copy(ctx context.Context, lost func(context.Context, retention.Stored) ([]string, error)) (int, error)
	// Compare compares the restored records with their twins.
	Compare(ctx context.Context) (purge.Twins, error)
	// Table is the name of the restored table.
	Table() string
	Remove(ctx context.Context) error
}

// Drilled is the certificate of a drill.
type Drilled struct {
	Drill     string       `json:"drill"` // restore
	Class     string       `json:"class"`
	StartedAt time.Time    `json:"startedAt"`
	EndedAt   time.Time    `json:"endedAt"`
	By        string       `json:"by"` // the principal
	Table     string       `json:"table"`
	Policy    string       `json:"policyHash"`
	Copied    int          `json:"copied"` // records, as the backup has them
	Mended    purge.Mended `json:"mended"`
	Replayed  SentEvents   `json:"replayed"` // of the ledger; no event went out
	Again     purge.Mended `json:"again"`    // the second repair
	Twins     purge.Twins  `json:"twins"`
	Passed    bool         `json:"passed"`

	Fingerprint string             `json:"fingerprint"`           // of the key that signed it
	File        string             `json:"certificate,omitempty"` // where it is kept; not in the file itself
	Bundle      certificate.Bundle `json:"-"`
}

// sign signs the certificate with the key of the purges' certificates. The fields of
// the two differ, so the certificate of a drill cannot pass for the certificate of a
// purge.
func (d *Drilled) sign(ctx context.Context, signer purge.Signer) (err error) {
	if d.Bundle.PublicKey, err = signer.PublicKey(ctx); err == nil {
		d.Fingerprint, err = certificate.Fingerprint(d.Bundle.PublicKey)
	}
	if err == nil {
		d.Bundle.JSON, err = json.MarshalIndent(d, "", "  ")
	}
	if err == nil {
		digest := sha256.Sum256(d.Bundle.JSON)
		d.Bundle.Signature, err = signer.Sign(ctx, digest[:])
	}
	if err != nil {
		return fmt.Errorf("the drill is over, and its certificate is not signed: %w", err)
	}
	return nil
}

// ErrDrill means that a restored table is not what its twin is.
var ErrDrill = errors.New("the restored table differs from the table that was never restored")

// backupAge is how long the backups of a class's table are kept.
const backupAge = 7 * 24 * time.Hour

// DrillRestore rehearses the restore of a class's table: the table is copied under
// another name as a restore leaves it, the stack's names are pointed at the copy,
// the copy is repaired and compared with the table that was never restored, and is
// then deleted. ErrDrill comes with the answer. The stack goes on meanwhile, and
// nothing of it changes.
func (o *Operator) DrillRestore(ctx context.Context, class string) (drilled *Drilled, err error) {
	of, _, err := o.Class(ctx, class)
	if err != nil {
		return nil, err
	}
	if o.Drill == nil {
		return nil, Mistakef("a drill works on the local stack alone; on AWS restore a backup under another name, as RUNBOOK.md says")
	}
	drilled = &Drilled{Drill: "restore", Class: class, StartedAt: o.Now().UTC(), Policy: of.Hash()}
	if drilled.By, err = o.Principal(ctx); err != nil {
		return nil, err
	}
	drill, records := o.Drill(class, "drill-"+drilled.StartedAt.Format("20060102t150405"))
	drilled.Table = drill.Table()
	defer func() {
		if left := drill.Remove(context.WithoutCancel(ctx)); left != nil {
			err = errors.Join(err, left)
		}
	}()
	if drilled.Copied, err = drill.Copy(ctx, o.lostIn(class)); err != nil {
		return nil, err
	}
	restored := *o
	restored.Records = records
	restored.Announce = func(context.Context, []ledger.Entry) error { return nil }
	if err := restored.repair(ctx, drilled, drill); err != nil {
		return nil, err
	}
	drilled.EndedAt = o.Now().UTC()
	drilled.Passed = len(drilled.Twins.Different) == 0 && drilled.Twins.Compared == drilled.Copied
	if err := drilled.sign(ctx, o.Signer); err != nil {
		return nil, err
	}
	if !drilled.Passed {
		return drilled, ErrDrill
	}
	return drilled, nil
}

// drillTries is how often a restored table is compared: an opt-out that comes
// meanwhile withdraws the record of the stack first.
const drillTries = 2

// repair does what the runbook says after a restore, and compares the outcome.
func (o *Operator) repair(ctx context.Context, drilled *Drilled, drill Drill) error {
	noPause := func(context.Context, time.Duration) error { return nil }
	mend := func() (purge.Mended, error) {
		mended, err := o.Mend(ctx, purge.NewMendWork(drilled.Class), 0, noPause, func(purge.MendWork) error { return nil })
		if err != nil {
			return purge.Mended{}, err
		}
		return *mended, nil
	}
	var err error
	if drilled.Mended, err = mend(); err != nil {
		return err
	}
	sent, err := o.ReplayEvents(ctx, EventsWork{Since: drilled.StartedAt.Add(-backupAge)}, 0, noPause, func(EventsWork) error { return nil })
	if err != nil {
		return fmt.Errorf("going through the ledger: %w", err)
	}
	drilled.Replayed = *sent
	for range drillTries {
		if drilled.Again, err = mend(); err != nil {
			return err
		}
		if drilled.Twins, err = drill.Compare(ctx); err != nil || len(drilled.Twins.Different) == 0 {
			return err
		}
	}
	return nil
}

// lostIn tells what a record of the class does not have in a backup from before its
// stamp, and from before the opt-out or erasure that withdrew the record.
func (o *Operator) lostIn(class string) func(context.Context, retention.Stored) ([]string, error) {
	return func(ctx context.Context, record retention.Stored) ([]string, error) {
		lost := []string{names.AttrRetentionSort, names.AttrRetentionShard, names.AttrActiveSort}
		if record.WithdrawnAt.IsZero() || record.PurgingBy != "" || len(record.Subjects()) == 0 {
			return lost, nil
		}
		item, err := o.Suppressions.Get(ctx, record.Subjects())
		if err != nil {
			return nil, err
		}
		at := suppression.WithdrawnAt(item, class, record.Scope, record.ErasableAt())
		if !at.IsZero() && record.WithdrawnAs(at) {
			lost = append(lost, names.AttrWithdrawnAt)
		}
		return lost, nil
	}
}
