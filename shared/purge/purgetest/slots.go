package purgetest

import (
	"context"
	"errors"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Evidence returns the records that hold the slots of contacts.
func (s tables) Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	unlock, err := s.request(ctx, "BatchGetItem")
	if err != nil {
		return nil, err
	}
	defer unlock()
	said := make([]suppression.Evidence, len(contacts))
	for i, keys := range contacts {
		for _, key := range keys {
			for _, in := range scopes {
				record, err := s.get(class, s.slots[slot(class, key, in)])
				switch {
				case errors.Is(err, retention.ErrUnreadable):
					said[i].Err = err
				case err == nil && record.Subject == key && record.Scope == in:
					record.Data = nil
					said[i].Records = append(said[i].Records, record)
				}
			}
		}
	}
	return said, nil
}

// evidence is what the records say of contacts: own, of a topic, under an older
// key, nothing, and what cannot be read.
func (s *suite) evidence() {
	put := func(id string, subject contact.Key, in scope.Scope) retention.Record {
		r := consent(id)
		r.Subject, r.Scope = subject, in
		_, err := s.Records.Put(s.Context(), class, r, anyone, subject)
		s.must(err)
		return r
	}
	put("own", "subject-1", "acme")
	put("topic", "subject-1", "acme/newsletter")
	put("older", "subject-3", "acme")
	put("elsewhere", "subject-4", "globex")
	put("gone", "subject-5", "acme")
	s.Remove(s, class, "gone")
	put("broken", "subject-6", "acme")
	s.Plant(s, class, map[string]any{names.AttrID: "broken", names.AttrOccurredAt: "yesterday"})
	put("moved", "subject-7", "acme")
	s.Plant(s, class, map[string]any{names.AttrID: "moved", names.AttrSubject: "subject-8", names.AttrScope: "acme"})
	s.Plant(s, class, map[string]any{names.AttrID: "unclaimed", names.AttrSubject: "subject-9", names.AttrScope: "acme"})
	contacts := [][]contact.Key{
		{"subject-1"}, {"subject-2", "subject-3"}, {"subject-4"}, {"subject-5"}, {"subject-6"}, {"subject-7"}, {"subject-8"}, {"subject-9"}, {"subject-1"}, nil,
	}
	said, err := s.Records.Evidence(s.Context(), class, contacts, []scope.Scope{"acme/newsletter", "acme"})
	s.must(err)
	want := [][]string{{"topic", "own"}, {"older"}, nil, nil, nil, nil, nil, nil, {"topic", "own"}, nil}
	for i, one := range said {
		var ids []string
		for _, r := range one.Records {
			ids = append(ids, r.ID)
		}
		s.expect("the records of "+string(append(contacts[i], "nobody")[0]), want[i], ids)
		s.expect("unreadable", i == 4, errors.Is(one.Err, retention.ErrUnreadable))
	}
	none, err := s.Records.Evidence(s.Context(), class, contacts, nil)
	s.must(err)
	s.expect("in no scope", 0, len(none[0].Records))
}
