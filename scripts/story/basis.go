package main

import (
	"context"
	"fmt"
	"time"

	"stille/shared/retention"
)

// based is the brand of the demo that requires a basis.
const based = "globex"

// consents stores a live consent and a consent that has ended, and asks whether
// the brand may send on them.
func (s *story) consents(ctx context.Context, live, ended, never person) error {
	overdue, _, err := s.newestStart("P2Y", -1)
	if err != nil {
		return err
	}
	monthAgo := s.now.Add(-30 * 24 * time.Hour).UTC().Truncate(time.Second)
	tales := []tale{
		{record: consent("consent-live-"+s.id, live, monthAgo), why: "the consent is live"},
		{record: consent("consent-ended-"+s.id, ended, overdue), why: "the consent has ended", goes: true},
	}
	given := make([]record, len(tales))
	for i := range tales {
		tales[i].class, given[i] = retention.Messaging, tales[i].record
	}
	kept, err := s.storeAll(ctx, retention.Messaging, given)
	if err != nil {
		return err
	}
	s.tales = append(s.tales, tales...)
	for _, step := range []struct {
		who  person
		want decision
	}{
		{live, decision{Send: true, Basis: "consent", BasisUntil: kept[0], Evidence: given[0].ID}},
		{ended, decision{Reason: "basis-expired", Scope: based, BasisUntil: kept[1]}},
		{never, decision{Reason: "no-basis", Scope: based}},
	} {
		if err := s.mayGlobex(ctx, step.who, step.want); err != nil {
			return err
		}
	}
	return nil
}

func consent(id string, of person, at time.Time) record {
	return record{
		ID: id, Contact: &contact{"email", of.email}, Scope: based, Basis: "consent", OccurredAt: at, Start: &at,
		Data: map[string]string{"note": "told by the story"},
	}
}

// mayGlobex checks an e-mail address in the brand that requires a basis.
func (s *story) mayGlobex(ctx context.Context, p person, want decision) error {
	got, err := s.api.check(ctx, based, p.contacts()[:1])
	if err != nil {
		return err
	}
	s.print("check "+p.email+" in "+based, got[0].String())
	if got[0] != want {
		return fmt.Errorf("%s, where %s is right", got[0], want)
	}
	return nil
}
