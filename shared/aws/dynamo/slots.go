package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// A slot is the place of the one record that a contact may have in a class and
// scope. It names its record, and is written in one transaction with that
// record. The slot is free once its record is gone, or has another contact or
// scope. So a purge need not touch slots, and a write that takes over a slot is
// conditional on the slot being free. The key of a slot is a hash, so that the
// table does not reveal the contacts.

func slotOf(class string, subject contact.Key, in scope.Scope) string {
	sum := sha256.Sum256([]byte(class + "\x00" + string(subject) + "\x00" + string(in)))
	return hex.EncodeToString(sum[:])
}

func slotKey(slot string) item { return item{names.AttrSlot: text(slot)} }

// holder returns the id of the record that a slot names; "" for none. If that
// record has lost the slot, free is the condition that this is still true: the
// record is gone, or has another contact or scope.
func (r *Records) holder(ctx context.Context, class string, subject contact.Key, in scope.Scope) (id string, free *terms, err error) {
	named, err := r.Slot(ctx, class, subject, in)
	if err != nil || named == "" {
		return "", nil, err
	}
	stored, err := r.Get(ctx, class, named)
	var condition terms
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		condition = absent(names.AttrID)
	case errors.Is(err, retention.ErrUnreadable):
		return named, nil, nil
	case err != nil:
		return "", nil, err
	case stored.Subject == subject && stored.Scope == in:
		return named, nil, nil
	default:
		condition = same(stored, names.AttrSubject, names.AttrScope)
	}
	return named, &condition, nil
}

// Slot returns the id of the record that a contact's slot names, read strongly;
// "" for none. The record may be gone, or have another contact.
func (r *Records) Slot(ctx context.Context, class string, subject contact.Key, in scope.Scope) (string, error) {
	stored, err := get(ctx, r.db, r.stack.Table(names.TableSlots), slotKey(slotOf(class, subject, in)), "reading a slot")
	return textOf(stored, names.AttrRecord), err
}

// claim gives a record its contact's slot, in one transaction with the
// operations on the record, and reports whether all conditions held. The error
// is a DuplicateError if another record has the slot.
func (r *Records) claim(ctx context.Context, class, id string, subject contact.Key, in scope.Scope, operations ...types.TransactWriteItem) (bool, error) {
	holder, free, err := r.holder(ctx, class, subject, in)
	switch {
	case err != nil:
		return false, err
	case holder != "" && holder != id && free == nil:
		return false, retention.DuplicateError{ID: holder}
	}
	as := absent(names.AttrSlot)
	if holder != "" {
		as = terms{where: "#record = :holder", values: item{":holder": text(holder)}}
	}
	slot := slotKey(slotOf(class, subject, in))
	slot[names.AttrRecord] = text(id)
	operations = append(operations, put(r.stack.Table(names.TableSlots), slot, as))
	if holder != id && free != nil {
		operations = append(operations, check(r.stack.Records(class), recordKey(holder), *free))
	}
	return write(ctx, r.db, "claiming a slot", operations...)
}

// putOnly stores a record with its slot, unless the contact has another record
// under one of its older keys. The set of live keys changes within minutes, so
// the older slots are read and are not a condition.
func (r *Records) putOnly(
	ctx context.Context, class string, record retention.Record, keys []contact.Key, operations []types.TransactWriteItem,
) (bool, error) {
	for _, key := range keys {
		if key == record.Subject {
			continue
		}
		id, free, err := r.holder(ctx, class, key, record.Scope)
		switch {
		case err != nil:
			return false, err
		case id != "" && id != record.ID && free == nil:
			return false, retention.DuplicateError{ID: id}
		}
	}
	return r.claim(ctx, class, record.ID, record.Subject, record.Scope, operations...)
}

// Claim gives a record that another service wrote its contact's slot, and reports
// whether it did: the record may have the slot already. The error is a
// DuplicateError if another record has the slot.
func (r *Records) Claim(ctx context.Context, class string, record retention.Stored) (bool, error) {
	unchanged := check(r.stack.Records(class), recordKey(record.ID), same(record, names.AttrSubject, names.AttrScope))
	for range claimTries {
		holder, _, err := r.holder(ctx, class, record.Subject, record.Scope)
		if err != nil || holder == record.ID {
			return false, err
		}
		if done, err := r.claim(ctx, class, record.ID, record.Subject, record.Scope, unchanged); done || err != nil {
			return done, err
		}
		// Another record took the slot, or this record was changed meanwhile: then
		// the stream will deliver the newer change.
	}
	return false, nil
}

// claimTries is how often Claim reads a slot that another record took meanwhile.
const claimTries = 3

// Leave frees the slots and the objects of a deleted record, if it is still deleted.
func (r *Records) Leave(ctx context.Context, class, id string) error {
	input := inIndex(names.IndexRecord, r.stack.Table(names.TableSlots), names.AttrRecord, id)
	for entry, err := range query(ctx, r.db, input, "finding the slots of a record") {
		if err != nil {
			return err
		}
		if err := r.free(ctx, textOf(entry, names.AttrSlot), class, id); err != nil {
			return err
		}
	}
	return nil
}

// A claim gives an object to one record of one class. It lies among the slots,
// under a hash of the object, is written in one transaction with the record, and
// is deleted with the record. A claim whose record is gone is free.

func claimOf(object string) string {
	sum := sha256.Sum256([]byte("\x00object\x00" + object)) // no slot begins with a zero byte
	return hex.EncodeToString(sum[:])
}

// Owners returns the records that claim the objects, read strongly, by object.
func (r *Records) Owners(ctx context.Context, objects []string) (map[string]retention.Owner, error) {
	bySlot := make(map[string]string, len(objects))
	keys := make([]item, 0, len(objects))
	for _, object := range objects {
		slot := claimOf(object)
		if _, twice := bySlot[slot]; !twice {
			keys = append(keys, slotKey(slot))
		}
		bySlot[slot] = object
	}
	owners := map[string]retention.Owner{}
	err := batchGet(ctx, r.db, r.stack.Table(names.TableSlots), keys, types.KeysAndAttributes{}, func(claim item) {
		owners[bySlot[textOf(claim, names.AttrSlot)]] = retention.Owner{Class: textOf(claim, names.AttrClass), ID: textOf(claim, names.AttrRecord)}
	})
	return owners, err
}

func textOf(from item, name string) string {
	if value, ok := from[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

// claims returns the operations that give the objects without an owner to a record,
// and the objects that other records own. It frees the claims of records that are
// gone.
func (r *Records) claims(ctx context.Context, owner retention.Owner, objects []string) (operations []types.TransactWriteItem, taken []string, err error) {
	if len(objects) == 0 {
		return nil, nil, nil
	}
	owners, err := r.Owners(ctx, objects)
	if err != nil {
		return nil, nil, err
	}
	for _, object := range objects {
		has, owned := owners[object]
		switch {
		case owned && has == owner:
			continue
		case owned:
			_, err := r.Get(ctx, has.Class, has.ID)
			if !errors.Is(err, retention.ErrNoRecord) {
				if err != nil && !errors.Is(err, retention.ErrUnreadable) {
					return nil, nil, err
				}
				taken = append(taken, object)
				continue
			}
			if err := r.free(ctx, claimOf(object), has.Class, has.ID); err != nil {
				return nil, nil, err
			}
		}
		claim := slotKey(claimOf(object))
		claim[names.AttrClass], claim[names.AttrRecord] = text(owner.Class), text(owner.ID)
		operations = append(operations, put(r.stack.Table(names.TableSlots), claim, absent(names.AttrSlot)))
	}
	return operations, taken, nil
}

// putClaims returns the operations that claim the objects of a record that is
// stored, and the record with the objects that it then owns. The error is
// ErrObjectTaken if another record owns an object that the record names, and
// ErrObjects if it would own too many.
func (r *Records) putClaims(ctx context.Context, class string, record retention.Record) ([]types.TransactWriteItem, retention.Record, error) {
	if len(record.Claimed) > retention.MostObjects {
		return nil, record, retention.ErrObjects
	}
	operations, taken, err := r.claims(ctx, retention.Owner{Class: class, ID: record.ID}, record.Claimed)
	for _, object := range taken {
		if slices.Contains(record.Objects, object) {
			return nil, record, retention.ErrObjectTaken
		}
	}
	record.Claimed = subtract(record.Claimed, taken)
	return operations, record, err
}

func subtract(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(some, one) })
}

// ClaimObjects gives a record that another service wrote the objects that it
// names, and those of its older version, if its objects are unchanged since it was
// read; otherwise the stream will deliver a newer change. It reports whether it
// wrote anything. The error is ErrObjectTaken if another record owns one of them;
// the record then owns the others. The error is ErrObjects, and nothing is
// claimed, if they are too many.
func (r *Records) ClaimObjects(ctx context.Context, class string, record retention.Stored, older retention.Record) (bool, error) {
	all := record.Owning(older)
	switch {
	case len(all) == 0:
		return false, nil
	case len(all) > retention.MostObjects:
		return false, retention.ErrObjects
	}
	operations, taken, err := r.claims(ctx, retention.Owner{Class: class, ID: record.ID}, all)
	if err != nil {
		return false, err
	}
	owned, done := subtract(all, taken), false
	if len(operations) > 0 || !slices.Equal(owned, record.Claimed) {
		claimed := setting(item{names.AttrClaimed: list(owned)}).under(same(record, names.AttrObjects, names.AttrClaimed))
		operations = append(operations, update(r.stack.Records(class), recordKey(record.ID), claimed))
		if done, err = write(ctx, r.db, "claiming objects", operations...); err != nil {
			return false, err
		}
	}
	if len(taken) > 0 {
		return done, retention.ErrObjectTaken
	}
	return done, nil
}

func list[T ~string](texts []T) types.AttributeValue {
	values := make([]types.AttributeValue, len(texts))
	for i, one := range texts {
		values[i] = text(string(one))
	}
	return &types.AttributeValueMemberL{Value: values}
}

// free deletes a slot or a claim of a record, if the record is gone.
func (r *Records) free(ctx context.Context, slot, class, id string) error {
	gone := check(r.stack.Records(class), recordKey(id), absent(names.AttrID))
	_, err := write(ctx, r.db, "freeing a slot", gone, release(r.stack, slot, class, id))
	return err
}

// unclaim are the operations that delete the claims of a record.
func (d *Deleter) unclaim(class string, record retention.Stored) []types.TransactWriteItem {
	operations := make([]types.TransactWriteItem, len(record.Claimed))
	for i, object := range record.Claimed {
		operations[i] = release(d.stack, claimOf(object), class, record.ID)
	}
	return operations
}

// release deletes a slot or a claim that still names the record. The slot of a
// contact has no class: only messaging has slots of contacts.
func release(stack names.Tables, slot, class, id string) types.TransactWriteItem {
	condition := "#record = :id AND #class = :class"
	if class == retention.Messaging {
		condition = "#record = :id AND (attribute_not_exists(#class) OR #class = :class)"
	}
	return remove(stack.Table(names.TableSlots), slotKey(slot), terms{where: condition, values: item{":id": text(id), ":class": text(class)}})
}

// Evidence reads strongly the records that many contacts have in a class and in
// the scopes, each contact given by all its live keys, and answers in their
// order. A record counts while the record has its contact's slot. Evidence fails
// as a whole unless the tables answer for every contact.
func (r *Records) Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	var slots []item
	for _, key := range distinct(contacts) {
		for _, in := range scopes {
			slots = append(slots, slotKey(slotOf(class, key, in)))
		}
	}
	holders := make(map[string]string, len(slots)) // the id of the record that each slot names
	err := batchGet(ctx, r.db, r.stack.Table(names.TableSlots), slots, types.KeysAndAttributes{}, func(found item) {
		if id := textOf(found, names.AttrRecord); id != "" {
			holders[textOf(found, names.AttrSlot)] = id
		}
	})
	if err != nil {
		return nil, err
	}
	records, unreadable, err := r.Load(ctx, class, slices.Compact(slices.Sorted(maps.Values(holders))))
	if err != nil {
		return nil, err
	}
	said := make([]suppression.Evidence, len(contacts))
	for i, keys := range contacts {
		for _, key := range keys {
			for _, in := range scopes {
				id := holders[slotOf(class, key, in)]
				if err := unreadable[id]; err != nil {
					said[i].Err = err
				}
				if stored, there := records[id]; there && stored.Subject == key && stored.Scope == in {
					said[i].Records = append(said[i].Records, stored)
				}
			}
		}
	}
	return said, nil
}
