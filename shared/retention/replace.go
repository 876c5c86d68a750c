package retention

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"time"
)

// Supersedes reports whether the record may replace the stored record of the
// same id: a newer event wins, and so does a repetition of the same event.
func (r Record) Supersedes(stored Record) bool { return !r.OccurredAt.Before(stored.OccurredAt) }

// Replacing returns the record as it is stored in place of an older record of
// its class and id. A stored Ending that is not older than the record still
// counts. A messaging record that occurred after its withdrawal, or has another
// contact or scope, is no longer withdrawn; every other withdrawal stays. The
// record keeps the objects of the stored record, whether it names them or not.
func (r Record) Replacing(stored Record, class string) Record {
	r.Claimed = r.Owning(stored)
	r.FirstAt = r.FirstKnown(class, stored)
	r.WithdrawnAt = stored.WithdrawnAt
	if class == Messaging && (r.OccurredAt.After(stored.WithdrawnAt) || !r.sameContact(stored) || r.Scope != stored.Scope) {
		r.WithdrawnAt = time.Time{}
	}
	if !r.hasEnd(class) || stored.StartAsOf.IsZero() || stored.StartAsOf.Before(r.OccurredAt) {
		return r
	}
	r.Start, r.StartAsOf = stored.Start, stored.StartAsOf
	return r
}

// FirstKnown is the record's FirstAt if the record replaces an older version. An
// erasure covers a record by its first version, whatever was written over that. A
// messaging record has no FirstAt: newer consent is another record.
func (r Record) FirstKnown(class string, older Record) time.Time {
	if class == Messaging || older.ID == "" || !r.sameContact(older) {
		return r.FirstAt
	}
	first := older.FirstAt
	if first.IsZero() {
		first = later(older.OccurredAt, time.Unix(0, 0)) // an event without a time came before every erasure
	}
	if !r.FirstAt.IsZero() && r.FirstAt.Before(first) {
		first = r.FirstAt
	}
	if !first.Before(r.OccurredAt) {
		return time.Time{}
	}
	return first.UTC()
}

// ErasableAt is the time of the event for which an opt-out or an erasure withdraws
// the record, if it is not older.
func (r Record) ErasableAt() time.Time {
	if r.FirstAt.IsZero() {
		return r.OccurredAt
	}
	return r.FirstAt
}

// Owning lists the objects of the record and of an older version of it.
func (r Record) Owning(older Record) []string {
	all := slices.Concat(r.Objects, r.Claimed, older.Objects, older.Claimed)
	slices.Sort(all)
	return slices.Compact(all)
}

// Repeats reports whether the record says what is stored already: nothing
// changes if the record is stored in place of the stored one. The keys that name
// a contact may differ after a rotation, and so may the layout of the data.
func (r Record) Repeats(stored Record) bool {
	for _, t := range [][2]time.Time{
		{r.OccurredAt, stored.OccurredAt}, {r.Start, stored.Start}, {r.StartAsOf, stored.StartAsOf},
		{r.WithdrawnAt, stored.WithdrawnAt}, {r.LastActivityAt, stored.LastActivityAt},
	} {
		if !t[0].Equal(t[1]) {
			return false
		}
	}
	return r.sameContact(stored) && r.Scope == stored.Scope && r.Basis == stored.Basis &&
		slices.Equal(r.Objects, stored.Objects) && sameJSON(r.Data, stored.Data)
}

// sameContact reports whether both records are about one contact, or both about
// none: after a rotation a record has its contact's older key in Former.
func (r Record) sameContact(other Record) bool {
	return r.Subject == other.Subject || slices.Contains(r.Former, other.Subject) || slices.Contains(other.Former, r.Subject)
}

// sameJSON compares values, and numbers by their digits.
func sameJSON(a, b json.RawMessage) bool {
	var values [2]any
	for i, text := range []json.RawMessage{a, b} {
		read := json.NewDecoder(bytes.NewReader(text))
		read.UseNumber()
		if read.Decode(&values[i]) != nil {
			return bytes.Equal(a, b)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
