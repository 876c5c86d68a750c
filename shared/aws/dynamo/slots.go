package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
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
