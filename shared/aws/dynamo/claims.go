package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

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
