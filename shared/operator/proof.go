package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
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
	FateLaw     Fate = "kept-by-law"
	FateDue     Fate = "due" // the next purge takes the record up
	FateUnknown Fate = "unknown"
)

// Proof tells what became of a record, and what proves it.
type Proof struct {
	Class string `json:"class"`
	ID    string `json:"id"`
	Fate  Fate   `json:"fate"`

	KeptThrough string    `json:"keptThrough,omitempty"` // absent for a running record, and for a record that was withdrawn earlier
	DueFrom     time.Time `json:"dueFrom,omitzero"`
	Withdrawn   time.Time `json:"withdrawnAt,omitzero"`
	KeptBy      string    `json:"keptBy,omitempty"`    // the law that keeps the record
	KeptUntil   string    `json:"keptUntil,omitempty"` // the last day on which the law does; absent for a record that has not ended
	Holds       []Hold    `json:"holds,omitempty"`

	Objects *ProvedObjects `json:"objects,omitempty"` // of a record that is there

	Run          string    `json:"run,omitempty"` // that deleted the record, or deletes it
	DeletedAt    time.Time `json:"deletedAt,omitzero"`
	Certificate  string    `json:"certificate,omitempty"` // its hash
	BackupGoneOn string    `json:"backupGoneOn,omitempty"`

	NotCertified []string `json:"notCertified,omitempty"` // runs that may have deleted the record without a certificate yet
}

// ProvedObjects counts the objects that a record names or named. A purge deletes
// every version of an object before its record.
type ProvedObjects struct {
	Going     int `json:"going"`     // belong to the record and go with it
	Others    int `json:"others"`    // belong to another record and stay
	Unclaimed int `json:"unclaimed"` // belong to no record yet, and keep this record from being deleted
}

// Prove tells what became of a record.
func (o *Operator) Prove(ctx context.Context, name, id string) (*Proof, error) {
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, err
	}
	proof, _, err := o.look(ctx, class, id)
	if errors.Is(err, retention.ErrUnreadable) {
		return nil, fmt.Errorf("the record is there, and %w: no purge deletes it, and each counts it as failed", err)
	}
	if err == nil && proof.Fate == FateUnknown {
		err = o.proveDeleted(ctx, proof)
	}
	if err != nil {
		return nil, err
	}
	return proof, nil
}

// look tells how a record stands, and returns the record; the fate of a record
// that is not there is unknown. The error of a record that cannot be understood
// wraps retention.ErrUnreadable.
func (o *Operator) look(ctx context.Context, class retention.Class, id string) (*Proof, retention.Stored, error) {
	proof := &Proof{Class: class.Name, ID: id, Fate: FateUnknown}
	targets := []retention.Target{retention.RecordTarget(class.Name, id)}
	record, err := o.Records.Get(ctx, class.Name, id)
	if err != nil && !errors.Is(err, retention.ErrNoRecord) {
		return nil, record, err
	}
	there := err == nil
	if there {
		targets = record.Targets(class.Name)
	}
	holds, err := o.holdsOn(ctx, targets)
	if err != nil {
		return nil, record, err
	}
	proof.Holds = newHolds(slices.DeleteFunc(holds, func(h retention.Hold) bool { return !h.Active() }))
	if there {
		proof.there(class, record, o.Now())
		proof.Objects, err = o.proveObjects(ctx, class.Name, record)
	}
	return proof, record, err
}

// proveObjects counts the objects of a record; nil for a record without any.
func (o *Operator) proveObjects(ctx context.Context, class string, record retention.Stored) (*ProvedObjects, error) {
	named := record.Owning(retention.Record{})
	if len(named) == 0 {
		return nil, nil //nolint:nilnil // the field is optional
	}
	owners, err := o.Records.Owners(ctx, named)
	if err != nil {
		return nil, err
	}
	var objects ProvedObjects
	for _, object := range named {
		switch owners[object] {
		case retention.Owner{Class: class, ID: record.ID}:
			objects.Going++
		case retention.Owner{}:
			objects.Unclaimed++
		default:
			objects.Others++
		}
	}
	return &objects, nil
}

// there tells how a record stands that exists.
func (p *Proof) there(class retention.Class, record retention.Stored, now time.Time) {
	p.Run, p.Withdrawn = record.PurgingBy, record.WithdrawnAt
	if due, ended := class.DueFrom(record.Record); ended {
		p.DueFrom = due
	}
	through, _ := class.KeptThrough(record.Record)
	p.KeptThrough = dayText(through)
	until, byLaw := class.KeptByLaw(record.Record, now)
	if byLaw {
		p.KeptBy, p.KeptUntil = class.KeptBy, dayText(until)
	}
	switch {
	case record.PurgingBy != "":
		p.Fate = FatePurging
	case len(p.Holds) > 0:
		p.Fate = FateHeld
	case byLaw:
		p.Fate = FateLaw
	case class.Due(record.Record, now):
		p.Fate = FateDue
	default:
		p.Fate = FateKept
	}
}

// dayText is the day; "" for the zero Day.
func dayText(day retention.Day) string {
	if day == (retention.Day{}) {
		return ""
	}
	return day.String()
}

// proveDeleted looks for the certificate that lists a record.
func (o *Operator) proveDeleted(ctx context.Context, proof *Proof) error {
	hmac, err := o.HMAC(ctx, proof.Class, proof.ID)
	if err != nil {
		return err
	}
	listed, uncertified, err := o.listed(ctx, proof.Class, []string{hmac})
	if err != nil {
		return err
	}
	proof.gone(listed[hmac], uncertified)
	return nil
}

// gone tells of a record that is not there which certificate lists the record, if
// one does, or else which runs have no certificate yet.
func (p *Proof) gone(c *issued, uncertified []string) {
	if c == nil {
		p.NotCertified = uncertified
		return
	}
	p.Fate = FateDeleted
	p.Run, p.DeletedAt, p.Certificate, p.BackupGoneOn = c.Run, c.EndedAt, certificate.Hash(c.JSON), c.BackupGoneOn
}

// listed finds for each record, by its HMAC, the newest certificate of the class
// that lists the record, and the purges that had no certificate before. Each
// certificate that it reads is verified.
func (o *Operator) listed(ctx context.Context, class string, hmacs []string) (listed map[string]*issued, uncertified []string, err error) {
	files, err := o.Certificates(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := files.PublicKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	if uncertified, err = o.notCertified(ctx, class); err != nil {
		return nil, nil, err
	}
	all, err := o.allCertificates(ctx, files, class)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b issued) int { return b.EndedAt.Compare(a.EndedAt) })
	listed = map[string]*issued{}
	for _, c := range all {
		if c.Counts.Deleted == 0 {
			continue
		}
		if len(hmacs) == 0 {
			break
		}
		var lock sync.Mutex
		found := map[string]*issued{}
		_, err := certificate.Verify(c.Signed, func(shard string) ([]byte, error) {
			list, err := files.LoadList(ctx, class, c.Run, shard)
			lock.Lock()
			defer lock.Unlock()
			for _, hmac := range hmacs {
				if certificate.Contains(list, hmac) {
					found[hmac] = &c
				}
			}
			return list, err
		}, keys...)
		if err != nil {
			return nil, nil, aboutCertificate(c.Run, err)
		}
		maps.Copy(listed, found)
		hmacs = slices.DeleteFunc(slices.Clone(hmacs), func(hmac string) bool { return listed[hmac] != nil })
	}
	return listed, uncertified, nil
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
