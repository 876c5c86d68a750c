package suppression_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// sources are what a Checker reads, with what each was asked for.
type sources struct {
	found     map[contact.Key]suppression.Found
	records   map[contact.Key][]retention.Stored
	listErr   error
	recordErr error

	asked  []contact.Key
	scopes []scope.Scope
}

func (s *sources) Lookup(_ context.Context, contacts [][]contact.Key) ([]suppression.Found, error) {
	found := make([]suppression.Found, len(contacts))
	for i, keys := range contacts {
		for _, key := range keys {
			found[i] = s.found[key]
		}
	}
	return found, s.listErr
}

func (s *sources) Evidence(_ context.Context, _ string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	said := make([]suppression.Evidence, len(contacts))
	s.scopes = scopes
	for i, keys := range contacts {
		s.asked = append(s.asked, keys...)
		said[i].Records = s.records[keys[0]]
	}
	return said, s.recordErr
}

func (s *sources) checker(t *testing.T) suppression.Checker {
	policy := retentiontest.Policy(t)
	return suppression.Checker{List: s, Records: s, Policy: func(context.Context) (*retention.Policy, error) { return policy, nil }}
}

func withScope(in scope.Scope, id string) func(*retention.Stored) {
	return func(r *retention.Stored) { r.Scope, r.ID = in, id }
}

func TestCheckNeedsABasisAndNamesIt(t *testing.T) {
	old, year := friday.AddDate(-3, 0, 0), friday.AddDate(-1, 0, 0)
	s := &sources{
		found: map[contact.Key]suppression.Found{"silent": {Item: marks{"acme": {"stop": {First: monday, Last: monday}}}.item()}, "broken": {Err: suppression.ErrUnreadable}},
		records: map[contact.Key][]retention.Stored{
			"topic":   {recorded(withScope("acme/newsletter", "t"), started(year))},
			"brand":   {recorded(withScope("acme", "a"), customer(time.Time{})), recorded(withScope("acme/newsletter", "t"), started(year))},
			"other":   {recorded(withScope("globex", "g"), started(year))},
			"expired": {recorded(withScope("acme/newsletter", "t"), started(old))},
			"silent":  {recorded(withScope("acme/newsletter", "t"), started(year))},
		},
	}
	contacts := [][]contact.Key{{"topic"}, {"brand"}, {"other"}, {"expired"}, {"silent"}, {"broken"}, {"nobody"}, nil}
	question := suppression.Question{Purpose: suppression.Marketing, Scope: "acme/newsletter", Basis: "acme/newsletter"}
	got, err := s.checker(t).Check(t.Context(), contacts, question, friday)
	if err != nil {
		t.Fatal(err)
	}
	want := []suppression.Verdict{
		{Send: true, Basis: "consent", BasisUntil: "2027-11-20", Evidence: "t"},
		{Send: true, Basis: "customer", Evidence: "a"},
		{Reason: "no-basis", Scope: "acme/newsletter"},
		{Reason: "basis-expired", Scope: "acme/newsletter", BasisUntil: "2025-11-20"},
		{Reason: "stop", Scope: "acme", Since: monday},
		{Reason: "unreadable"},
		{Reason: "no-basis", Scope: "acme/newsletter"},
		{Reason: "unreadable"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]contact.Key{"topic", "brand", "other", "expired", "nobody"}, s.asked); diff != "" {
		t.Errorf("records were read of (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]scope.Scope{"acme/newsletter", "acme"}, s.scopes); diff != "" {
		t.Errorf("records were read in (-want +got)\n%s", diff)
	}
}

func TestCheckThatNeedsNoBasisReadsNoRecords(t *testing.T) {
	s := &sources{recordErr: errors.New("down")}
	for _, question := range []suppression.Question{
		{Purpose: suppression.Marketing, Scope: "acme"},
		{Purpose: suppression.Transactional, Scope: "acme", Basis: "acme"},
	} {
		checker := s.checker(t)
		checker.Policy = nil
		got, err := checker.Check(t.Context(), [][]contact.Key{{"nobody"}}, question, friday)
		if diff := cmp.Diff([]suppression.Verdict{{Send: true}}, got); err != nil || diff != "" {
			t.Errorf("error %v, (-want +got)\n%s", err, diff)
		}
	}
}

func TestCheckOfTheSilentAloneReadsNoRecords(t *testing.T) {
	s := &sources{found: map[contact.Key]suppression.Found{"silent": {Item: marks{"acme": {"stop": {First: monday, Last: monday}}}.item()}}}
	checker := s.checker(t)
	checker.Policy = nil
	question := suppression.Question{Purpose: suppression.Marketing, Scope: "acme", Basis: "acme"}
	got, err := checker.Check(t.Context(), [][]contact.Key{{"silent"}}, question, friday)
	if diff := cmp.Diff([]suppression.Verdict{{Reason: "stop", Scope: "acme", Since: monday}}, got); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
}

func TestACheckFailsWithEachOfItsSources(t *testing.T) {
	down := errors.New("down")
	noPolicy := func(context.Context) (*retention.Policy, error) { return nil, down }
	for name, change := range map[string]func(*sources, *suppression.Checker){
		"the list":    func(s *sources, _ *suppression.Checker) { s.listErr = down },
		"the records": func(s *sources, _ *suppression.Checker) { s.recordErr = down },
		"the policy":  func(_ *sources, c *suppression.Checker) { c.Policy = noPolicy },
	} {
		s := &sources{}
		checker := s.checker(t)
		change(s, &checker)
		question := suppression.Question{Purpose: suppression.Marketing, Scope: "acme", Basis: "acme"}
		if got, err := checker.Check(t.Context(), [][]contact.Key{{"nobody"}}, question, friday); !errors.Is(err, down) || got != nil {
			t.Errorf("%s: %d verdicts, error %v", name, len(got), err)
		}
	}
}
