package purgetest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// claim sets Claimed of a record to those of the objects that no other record owns,
// and returns the others.
func (s tables) claim(class string, record *retention.Record, objects []string) (taken []string) {
	record.Claimed = nil
	for _, object := range objects {
		owner, owned := s.claims[object]
		if _, exists := s.classes[owner.Class][owner.ID]; owned && exists && owner != (retention.Owner{Class: class, ID: record.ID}) {
			taken = append(taken, object)
			continue
		}
		record.Claimed = append(record.Claimed, object)
	}
	return taken
}

func (s tables) own(class string, record retention.Record) {
	for _, object := range record.Claimed {
		s.claims[object] = retention.Owner{Class: class, ID: record.ID}
	}
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}

func (s tables) Owners(ctx context.Context, objects []string) (map[string]retention.Owner, error) {
	unlock, err := s.request(ctx, "BatchGetItem")
	if err != nil {
		return nil, err
	}
	defer unlock()
	owners := map[string]retention.Owner{}
	for _, object := range objects {
		if owner, owned := s.claims[object]; owned {
			owners[object] = owner
		}
	}
	return owners, nil
}

func (s tables) ClaimObjects(ctx context.Context, class string, record retention.Stored, older retention.Record) (bool, error) {
	all := record.Owning(older)
	if len(all) > retention.MostObjects {
		return false, retention.ErrObjects
	}
	unlock, err := s.request(ctx, "UpdateItem")
	if err != nil {
		return false, err
	}
	defer unlock()
	now, err := s.get(class, record.ID)
	if err != nil || !slices.Equal(now.Objects, record.Objects) || !slices.Equal(now.Claimed, record.Claimed) {
		return false, nil
	}
	owned := record.Record
	taken := s.claim(class, &owned, all)
	done := !slices.Equal(owned.Claimed, record.Claimed) || slices.ContainsFunc(owned.Claimed, func(object string) bool {
		return s.claims[object] != retention.Owner{Class: class, ID: record.ID}
	})
	s.own(class, owned)
	i := maps.Clone(s.classes[class][record.ID])
	if delete(i, names.AttrClaimed); len(owned.Claimed) > 0 {
		i[names.AttrClaimed] = owned.Claimed
	}
	s.classes[class][record.ID] = i
	if len(taken) > 0 {
		return done, retention.ErrObjectTaken
	}
	return done, nil
}

func slot(class string, subject contact.Key, in scope.Scope) string {
	return class + "\x00" + string(subject) + "\x00" + string(in)
}

// holder returns the record that has a contact's slot; "" if the slot is free.
func (s tables) holder(class string, subject contact.Key, in scope.Scope) string {
	id := s.slots[slot(class, subject, in)]
	stored, err := s.get(class, id)
	if errors.Is(err, retention.ErrUnreadable) || err == nil && stored.Subject == subject && stored.Scope == in {
		return id
	}
	return ""
}

func (s tables) Slot(ctx context.Context, class string, subject contact.Key, in scope.Scope) (string, error) {
	unlock, err := s.request(ctx, "GetItem")
	if err != nil {
		return "", err
	}
	defer unlock()
	return s.slots[slot(class, subject, in)], nil
}

func (s tables) Claim(ctx context.Context, class string, record retention.Stored) (bool, error) {
	unlock, err := s.request(ctx, "TransactWriteItems")
	if err != nil {
		return false, err
	}
	defer unlock()
	holder := s.holder(class, record.Subject, record.Scope)
	if holder != "" && holder != record.ID {
		return false, retention.DuplicateError{ID: holder}
	}
	now, err := s.get(class, record.ID)
	if err != nil || now.Subject != record.Subject || now.Scope != record.Scope || holder == record.ID {
		return false, nil //nolint:nilerr // the stream will deliver a newer change
	}
	s.slots[slot(class, record.Subject, record.Scope)] = record.ID
	return true, nil
}

func (s tables) Leave(ctx context.Context, class, id string) error {
	unlock, err := s.request(ctx, "TransactWriteItems")
	if err != nil {
		return err
	}
	defer unlock()
	if _, there := s.classes[class][id]; there {
		return nil
	}
	if class == retention.Messaging {
		maps.DeleteFunc(s.slots, func(_, record string) bool { return record == id })
	}
	maps.DeleteFunc(s.claims, func(_ string, owner retention.Owner) bool { return owner == retention.Owner{Class: class, ID: id} })
	return nil
}
