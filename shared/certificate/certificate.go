// Package certificate is the proof of a purge: what was due, what was deleted
// and what stayed. OpenSSL alone can check the signature. The list of deleted
// records reveals nothing to a reader who does not hold a record. The package
// promises that a verification finds a changed byte, a changed list, counts that
// do not add up, and a certificate missing from its class's chain. It holds no
// personal data and no way to sign.
package certificate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	// ErrInvalid is wrapped by every reason not to believe a certificate.
	ErrInvalid = errors.New("the certificate does not hold")
	// ErrNone means that a run has no certificate.
	ErrNone = errors.New("there is no certificate of this run")
)

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run. Every one but Completed fails the execution.
const (
	Completed Outcome = "COMPLETED" // it did all it was to do
	Halted    Outcome = "HALTED"    // the brake held it; nothing was deleted, but for withdrawn records
	Stopped   Outcome = "STOPPED"   // an operator stopped it, or another run of the class was active
	Failed    Outcome = "FAILED"
)

// ProofIndex means that the index showed no due record in two answers in a row.
const ProofIndex = "index"

// ProofScan means that every record of the class was read strongly: the
// certificate is an audit's. An audit deletes nothing. Due counts the overdue
// records, and PlanHash is the SHA-256 of the report beside the certificate.
const ProofScan = "scan"

// Counts are numbers of records. In a completed run Due is the sum of the others.
type Counts struct {
	Due     int `json:"due"`
	Deleted int `json:"deleted"`
	Held    int `json:"held"`
	Changed int `json:"changed"` // no longer due; kept
	Failed  int `json:"failed"`  // not deleted; the next run takes them up
	Left    int `json:"left"`    // over what one run deletes; the next run takes them up
}

// Balanced reports whether every due record is counted once.
func (c Counts) Balanced() bool { return c.Due == c.Deleted+c.Held+c.Changed+c.Failed+c.Left }

// Plus is the sum of both.
func (c Counts) Plus(more Counts) Counts {
	return Counts{
		Due: c.Due + more.Due, Deleted: c.Deleted + more.Deleted, Held: c.Held + more.Held,
		Changed: c.Changed + more.Changed, Failed: c.Failed + more.Failed, Left: c.Left + more.Left,
	}
}

// Objects are numbers of objects in S3 that belonged to deleted records. Nothing is
// left of them.
type Objects struct {
	Count int `json:"count"`
	// Versions are their versions and delete markers, also those that a run before has
	// deleted and the record outlived.
	Versions int `json:"versions"`
}

// Plus is the sum of both.
func (o Objects) Plus(more Objects) Objects {
	return Objects{o.Count + more.Count, o.Versions + more.Versions}
}

// Most has the larger of both counts.
func (o Objects) Most(other Objects) Objects {
	return Objects{max(o.Count, other.Count), max(o.Versions, other.Versions)}
}

// Certificate is what a run signs. Hashes are SHA-256 in hex.
type Certificate struct {
	Run          string    `json:"run"` // the execution's name
	Class        string    `json:"class"`
	Outcome      Outcome   `json:"outcome"`
	PlanHash     string    `json:"planHash"`
	PolicyHash   string    `json:"policyHash"`
	Cutoff       time.Time `json:"cutoff"` // records due at this instant
	StartedAt    time.Time `json:"startedAt"`
	EndedAt      time.Time `json:"endedAt"`
	Counts       Counts    `json:"counts"`
	Objects      Objects   `json:"objects,omitzero"` // older certificates count none
	Proof        string    `json:"proof"`
	ApprovedBy   *Approver `json:"approvedBy"`   // nil if no approval was needed
	KeysHead     string    `json:"keysHead"`     // Head of the hashes of the lists, in the order of the shards
	Previous     string    `json:"previous"`     // hash of the class's previous certificate; empty for the first
	BackupGoneOn string    `json:"backupGoneOn"` // the day the last backup that holds the records expires
	CodeVersion  string    `json:"codeVersion"`
	TZData       string    `json:"tzdata"`      // fingerprint of the calendar that was used
	Fingerprint  string    `json:"fingerprint"` // of the key that signs; older certificates name none

	Lists map[string]List `json:"lists"` // shard -> its list; a shard without a deleted record has none
}

// Approver is who approved the plan of a run, without the name.
type Approver struct {
	Role string `json:"role"` // the role of the approver's session; "user" for an IAM user
	Hash string `json:"hash"` // keyed hash of the approver's ARN
	// UntilDone says that the approval covers every run until the approved records
	// are gone.
	UntilDone bool `json:"untilDone,omitempty"`
}

// UnmarshalJSON also reads the text of older certificates: the whole ARN, or nothing.
func (a *Approver) UnmarshalJSON(data []byte) error {
	type fields Approver
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, (*fields)(a))
	}
	return json.Unmarshal(data, &a.Role)
}

// Signed is a certificate without its lists. Signature is DER, ECDSA P-256 over
// the SHA-256 of exactly the bytes of JSON.
type Signed struct {
	JSON, Signature []byte
}

// Sign signs a SHA-256 digest with the private key of the certificate's public
// key.
type Sign func(digest []byte) (der []byte, err error)

// Seal sets the head of the lists and signs. The lists together must have
// Counts.Deleted keys.
func Seal(c Certificate, sign Sign) (Signed, error) {
	if c.Lists == nil {
		c.Lists = map[string]List{}
	}
	c.KeysHead = c.head()
	if err := c.check(); err != nil {
		return Signed{}, err
	}
	encoded, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return Signed{}, fmt.Errorf("writing a certificate: %w", err)
	}
	encoded = append(encoded, '\n')
	digest := sha256.Sum256(encoded)
	signature, err := sign(digest[:])
	if err != nil {
		return Signed{}, fmt.Errorf("signing a certificate: %w", err)
	}
	return Signed{JSON: encoded, Signature: signature}, nil
}

// Verify checks a certificate and all its lists against the public keys (PEM,
// PKIX) and returns the certificate. An error wraps ErrInvalid and says what is
// wrong, or is that of lists, which is called for several shards at once.
func Verify(s Signed, lists Lists, publicKeys ...[]byte) (Certificate, error) {
	keys, err := parseKeys(publicKeys)
	if err != nil {
		return Certificate{}, err
	}
	c, err := s.open(keys)
	if err != nil {
		return Certificate{}, err
	}
	if err := c.check(); err != nil {
		return Certificate{}, err
	}
	var group errgroup.Group
	group.SetLimit(listsAtOnce)
	for shard, list := range c.Lists {
		group.Go(func() error {
			file, err := lists(shard)
			if err != nil {
				return err
			}
			return list.check(shard, file)
		})
	}
	if err := group.Wait(); err != nil {
		return Certificate{}, err
	}
	return c, nil
}

// listsAtOnce is how many lists are read at the same time.
const listsAtOnce = 16

// check compares the parts of the certificate with each other.
func (c Certificate) check() error {
	listed := 0
	for _, list := range c.Lists {
		listed += list.Count
	}
	switch {
	case c.KeysHead != c.head():
		return fmt.Errorf("%w: its lists are other lists", ErrInvalid)
	case listed != c.Counts.Deleted:
		return fmt.Errorf("%w: it counts %d deleted and lists %d", ErrInvalid, c.Counts.Deleted, listed)
	case c.Outcome == Completed && !c.Counts.Balanced():
		return fmt.Errorf("%w: its counts do not add up", ErrInvalid)
	}
	return nil
}

// head is the Head of the hashes of the lists.
func (c Certificate) head() string {
	var hashes []string
	for _, shard := range slices.Sorted(maps.Keys(c.Lists)) {
		hashes = append(hashes, c.Lists[shard].SHA256)
	}
	return Head(hashes)
}

// Head hashes a list of texts: each step is the SHA-256 of the previous head and
// the next text. The head of an empty list is the hash of nothing.
func Head(texts []string) string {
	head := sha256.Sum256(nil)
	for _, text := range texts {
		head = sha256.Sum256(append(head[:], text...))
	}
	return hex.EncodeToString(head[:])
}

// Hash names a certificate: the SHA-256 of its JSON. The next certificate of
// the class carries it in Previous.
func Hash(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
