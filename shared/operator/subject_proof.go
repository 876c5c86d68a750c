package operator

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"stille/shared/retention"
)

// ErasedRecord is a record that an erasure met, as certificates will list the
// record.
type ErasedRecord struct {
	Class string `json:"class"`
	ID    string `json:"id,omitempty"` // absent where the id may be an address
	HMAC  string `json:"hmac"`
}

// ErasureProof tells what became of the records of an erasure.
type ErasureProof struct {
	At      time.Time      `json:"at"` // of the erasure
	Case    string         `json:"case,omitempty"`
	Ledger  string         `json:"ledger,omitempty"`
	Records []ProvedRecord `json:"records"`
	Waiting int            `json:"waiting"` // records that the erasure has still to reach
}

// ProvedRecord tells what became of one record of an erasure.
type ProvedRecord struct {
	Proof
	HMAC      string    `json:"hmac"`
	NextPurge time.Time `json:"nextPurge,omitzero"` // of a record that waits
}

// What else may have become of a record of an erasure.
const (
	FateReplaced   Fate = "replaced"   // newer consent stands under the record's id
	FateUnreadable Fate = "unreadable" // no purge deletes a record that cannot be understood
)

// waits reports whether the erasure has still to reach the record.
func (p *Proof) waits() bool {
	return p.Fate != FateDeleted && p.Fate != FateHeld && p.Fate != FateLaw && p.Fate != FateReplaced
}

// ReadErasure reads the receipt of an erasure.
func ReadErasure(receipt []byte) (erased Erased, err error) {
	if err := json.Unmarshal(receipt, &erased); err != nil || erased.Asked != askedErase || erased.Records == nil {
		return erased, Mistakef("the file is no receipt of `stille subject erase`")
	}
	return erased, nil
}

// ProveErasure tells what became of each record of an erasure.
func (o *Operator) ProveErasure(ctx context.Context, erased Erased) (*ErasureProof, error) {
	of := map[string][]ErasedRecord{}
	for _, record := range erased.Records {
		of[record.Class] = append(of[record.Class], record)
	}
	answer := &ErasureProof{At: erased.At, Case: erased.Case, Ledger: erased.Ledger, Records: []ProvedRecord{}}
	for _, name := range sortedKeys(of) {
		class, _, err := o.Class(ctx, name)
		if err != nil {
			return nil, err
		}
		proved, err := o.proveErased(ctx, class, of[name], erased.At)
		if err != nil {
			return nil, err
		}
		for i := range proved {
			if proved[i].waits() {
				proved[i].NextPurge = class.NextPurge(o.Now())
				answer.Waiting++
			}
		}
		answer.Records = append(answer.Records, proved...)
	}
	return answer, nil
}

// proveErased tells what became of records of one class since the erasure. What
// was stored under the id of a deleted record later is another record.
func (o *Operator) proveErased(ctx context.Context, class retention.Class, records []ErasedRecord, since time.Time) ([]ProvedRecord, error) {
	proved := make([]ProvedRecord, len(records))
	var hmacs []string // of what a certificate may list
	for i, record := range records {
		proof, newer, err := o.lookErased(ctx, class, record, since)
		if err != nil {
			return nil, err
		}
		proved[i] = ProvedRecord{Proof: *proof, HMAC: record.HMAC}
		if newer || proof.Fate == FateUnknown {
			hmacs = append(hmacs, record.HMAC)
		}
	}
	if len(hmacs) == 0 {
		return proved, nil
	}
	listed, uncertified, err := o.listed(ctx, class.Name, hmacs)
	if err != nil {
		return nil, err
	}
	for i := range proved {
		c := listed[proved[i].HMAC]
		switch {
		case proved[i].Fate == FateUnknown:
			proved[i].gone(c, uncertified)
		case c != nil && !c.EndedAt.Before(since):
			proved[i].Proof = Proof{Class: class.Name, ID: proved[i].ID}
			proved[i].gone(c, nil)
		}
	}
	return proved, nil
}

// lookErased tells how a record of an erasure stands, and whether what is stored
// under its id is from after the erasure.
func (o *Operator) lookErased(ctx context.Context, class retention.Class, record ErasedRecord, since time.Time) (proof *Proof, newer bool, err error) {
	if record.ID == "" {
		return &Proof{Class: class.Name, Fate: FateUnknown}, false, nil
	}
	hmac, err := o.HMAC(ctx, class.Name, record.ID)
	if err != nil {
		return nil, false, err
	}
	if hmac != record.HMAC {
		return nil, false, errors.New("an HMAC of the receipt is not the HMAC of its record: the receipt was changed, or comes from another stack")
	}
	proof, stored, err := o.look(ctx, class, record.ID)
	switch {
	case errors.Is(err, retention.ErrUnreadable):
		return &Proof{Class: class.Name, ID: record.ID, Fate: FateUnreadable}, false, nil
	case err != nil:
		return nil, false, err
	}
	newer = stored.WithdrawnAt.IsZero() && stored.OccurredAt.After(since)
	if newer && class.Name == retention.Messaging && (proof.Fate == FateKept || proof.Fate == FateLaw) {
		proof.Fate = FateReplaced
	}
	return proof, newer, nil
}
