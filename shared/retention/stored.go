package retention

import (
	"errors"
	"time"

	"stille/shared/contact"
)

var (
	// ErrNoRecord means that the class has no record of this id.
	ErrNoRecord = errors.New("there is no such record")
	// ErrBeingPurged means that a purge has begun to delete the record's objects.
	// Nothing may change the record until it is gone.
	ErrBeingPurged = errors.New("the record is being purged")
	// ErrHeld means that a hold covers the record and freezes what it says. A
	// missing start may be set, and a withdrawal noted.
	ErrHeld = errors.New("a hold freezes the record")
	// ErrObjectTaken means that an object belongs to another record.
	ErrObjectTaken = errors.New("an object belongs to another record")
	// ErrObjects means that the record, with what its older versions named, has
	// more than MostObjects.
	ErrObjects = errors.New("the record would own too many objects")
	// ErrUnreadable means that the record is stored and cannot be understood.
	// It is never due.
	ErrUnreadable = errors.New("the stored record cannot be read")
	// ErrUnwritable means that the store can never take the record: it is too
	// large, for example.
	ErrUnwritable = errors.New("the item cannot be written")
	// ErrContended means that others changed the same record at every attempt.
	ErrContended = errors.New("others keep changing the same items")
)

// DuplicateError means that the contact has another record in the class and scope.
type DuplicateError struct {
	ID string // of the other record
}

func (e DuplicateError) Error() string {
	return "the contact has another record in this class and scope"
}

// Stored is a record as a class table holds it, with its place in the indexes.
type Stored struct {
	Record
	Sort  string // "" while the record is not stamped or still running
	Shard string // "" until the record is stamped, then fixed for good
	// ActiveSort is the time of a running record's last activity, as of its
	// stamp; "" for every other record.
	ActiveSort string
	// WithdrawnSort is WithdrawnAt in the text form of the table.
	WithdrawnSort string
	// PurgingBy is the run that has marked the record: the run deletes the
	// record's objects, then the record. "" for every other record.
	PurgingBy string
	// Purging names the versions of the record's objects that may be deleted since the
	// record was marked. Purged is how many the marks before named and S3 has no more.
	Purging []string
	Purged  int
	// Revision is the record exactly as the store read it. A later write is
	// conditional on it. Only the store that read the record may look into it.
	Revision any
}

// Document is a record with everything that its class table holds of it.
type Document struct {
	// Stored is the record as the system understands it. If Err is set (it
	// wraps ErrUnreadable), only Attributes can be used.
	Stored
	Err error
	// Attributes are all attributes of the record, as values that encoding/json
	// writes. Data in JSON is a json.RawMessage.
	Attributes map[string]any
	// About is the record's subject. It is set for an unreadable record too.
	About contact.Key
}

// WithdrawnAs reports whether the table already has this time, in sortable
// form, as the record's withdrawal.
func (s Stored) WithdrawnAs(at time.Time) bool { return s.WithdrawnSort == Sort(at) }

// Owner names the record that an object belongs to.
type Owner struct{ Class, ID string }

// InTwoSteps reports whether a purge marks the record before it deletes the
// record: the record has objects, which no transaction covers, or is marked
// already.
func (s Stored) InTwoSteps() bool {
	return len(s.Objects) > 0 || len(s.Claimed) > 0 || s.PurgingBy != ""
}
