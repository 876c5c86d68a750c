// Package operatortest gives tests an operator who works on a stack in memory.
package operatortest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

// At is when everything happens unless a test says something else.
func At() time.Time { return time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) }

// Stack is a stack in memory. A test sets what the services around it answer.
type Stack struct {
	purgetest.Stores
	List    *suppressiontest.List
	Who     string          // the principal that works here
	Set     *contact.KeySet // the contact keys
	Brands  *scope.Registry // those of scopetest unless a test says something else
	Started []Start         // the purges that were started
	Refuses error           // what the start of a purge answers, where it is refused
	// Execute is called at each look at an execution.
	Execute    func(ctx context.Context, run string) operator.Execution
	Scheduled  map[string]Scheduled // by the schedule's name
	Bucket     map[string]Sealed
	PublicKeys [][]byte
	Queue      []operator.Queue
	Ages       error // of AddAges
	Missing    []string
	Primaries  []operator.PrimaryKey
	Keys       error // of Primary
	Examine    []operator.Examination

	t       testing.TB
	manager *keyset.Manager
	signing *ecdsa.PrivateKey
}

// Sealed is a certificate and the file of its one list, or the report of an audit.
type Sealed struct {
	certificate.Signed
	List, Report []byte
}

// listed is the shard of the list.
const listed = "2a"

// Start is a purge that was started.
type Start struct{ Class, By, Approved string }

// Scheduled is a purge that was scheduled.
type Scheduled struct {
	At time.Time
	By string
}

// New returns an empty stack with the classes of retentiontest.
func New(t testing.TB) *Stack {
	t.Helper()
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{
		Stores: purgetest.NewStores(operator.ClassNames(retentiontest.Policy(t))...), List: &suppressiontest.List{}, Who: "arn:aws:iam::1:user/operator",
		Brands: scopetest.Registry(t), Scheduled: map[string]Scheduled{}, Bucket: map[string]Sealed{}, t: t, manager: keyset.NewManager(), signing: signing,
	}
	s.Rotate()
	return s
}

// Operator works on the stack by a clock.
func (s *Stack) Operator(now func() time.Time) *operator.Operator {
	return &operator.Operator{
		Stack: "test", Where: "the stack of the test", Now: now,
		Config: s, ContactKeys: s.Contact, Suppressions: list{s.List}, Records: records{s.Stores.Records, s}, Holds: s.Stores.Holds, Runs: s.Stores.Runs,
		Queues: queues{s}, Executions: s, Principal: s.Principal, Tables: s.tables, PrimaryKeys: s.Primary, Schedule: s.Once, HMAC: s.HMAC, ProofKey: s.ProofKey,
		Certificates: func(context.Context) (operator.Certificates, error) { return bucket{s}, nil }, Examinations: s.Examine,
	}
}

// Rotate adds a contact key, which becomes the newest.
func (s *Stack) Rotate() {
	s.t.Helper()
	id, err := s.manager.Add(prf.HMACSHA256PRFKeyTemplate())
	if err == nil {
		err = s.manager.SetPrimary(id)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	handle, err := s.manager.Handle()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.Set, err = contact.NewKeySet(handle); err != nil {
		s.t.Fatal(err)
	}
}

// Key is the newest key of a contact.
func (s *Stack) Key(ch contact.Channel, address string) contact.Key {
	s.t.Helper()
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := s.Set.Key(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// Store puts records of consents into the messaging class, as stamp leaves
// them: sub-0, sub-1 and so on, one for each start.
func (s *Stack) Store(starts ...time.Time) {
	s.t.Helper()
	ctx := context.Background()
	for i, start := range starts {
		record := retention.Record{ID: fmt.Sprintf("sub-%d", i), Scope: "acme", Basis: retention.Consent, OccurredAt: start, Start: start}
		_, err := s.Records.Put(ctx, "messaging", record, func(retention.Record) error { return nil })
		if err != nil {
			s.t.Fatal(err)
		}
		stored, err := s.Records.Get(ctx, "messaging", record.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := s.Records.Stamp(ctx, "messaging", stored, retention.Sort(start)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Certify ends a run with a certificate, as its last step does.
func (s *Stack) Certify(run purge.Run, outcome certificate.Outcome, counts certificate.Counts, deleted ...string) {
	s.t.Helper()
	ctx := context.Background()
	previous, err := s.Runs.Head(ctx, run.Class)
	if err != nil {
		s.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&s.signing.PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	lists := map[string]certificate.List{}
	var file []byte
	for _, key := range slices.Sorted(slices.Values(deleted)) {
		file = certificate.AppendKey(file, key)
	}
	if len(deleted) > 0 {
		lists[listed] = certificate.NewList(file)
	}
	key := certificate.EncodePublicKey(public)
	fingerprint, err := certificate.Fingerprint(key)
	if err != nil {
		s.t.Fatal(err)
	}
	signed, err := certificate.Seal(certificate.Certificate{
		Run: run.ID, Class: run.Class, Outcome: outcome, PlanHash: run.PlanHash, Cutoff: run.Cutoff, EndedAt: At(), Counts: counts,
		Objects: certificate.Objects{Count: len(deleted), Versions: 2 * len(deleted)}, Previous: previous, BackupGoneOn: "2026-11-30", Lists: lists, Fingerprint: fingerprint,
	}, func(digest []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, s.signing, digest) })
	if err != nil {
		s.t.Fatal(err)
	}
	s.Bucket[run.ID] = Sealed{Signed: signed, List: file}
	if !slices.ContainsFunc(s.PublicKeys, func(file []byte) bool { return bytes.Equal(file, key) }) {
		s.PublicKeys = append(s.PublicKeys, key)
	}
	run.Outcome, run.Counts, run.EndedAt, run.Certificate = outcome, counts, At(), certificate.Hash(signed.JSON)
	if err := s.Runs.Certify(ctx, run, previous); err != nil {
		s.t.Fatal(err)
	}
}

// Policy is that of retentiontest.
func (s *Stack) Policy(context.Context) (*retention.Policy, error) {
	return retentiontest.Policy(s.t), nil
}

// Scopes are Brands.
func (s *Stack) Scopes(context.Context) (*scope.Registry, error) { return s.Brands, nil }

// Contact is the set.
func (s *Stack) Contact(context.Context) (*contact.KeySet, error) { return s.Set, nil }

// Principal is Who.
func (s *Stack) Principal(context.Context) (string, error) { return s.Who, nil }

// Start remembers the start of the one run that there is, run-1.
func (s *Stack) Start(_ context.Context, class, startedBy, approved string) (string, error) {
	if s.Refuses != nil {
		return "", s.Refuses
	}
	s.Started = append(s.Started, Start{class, startedBy, approved})
	return "run-1", nil
}

// State is what Execute says.
func (s *Stack) State(ctx context.Context, _, run string) (operator.Execution, error) {
	if s.Execute == nil {
		return operator.Execution{}, nil
	}
	return s.Execute(ctx, run), nil
}

// Once remembers a schedule.
func (s *Stack) Once(_ context.Context, class string, at time.Time, by string) (string, error) {
	name := class + "-" + at.UTC().Format("20060102T150405Z")
	if _, there := s.Scheduled[name]; there {
		return "", operator.ErrScheduled
	}
	s.Scheduled[name] = Scheduled{at, by}
	return name, nil
}

// Primary is Primaries, or the error Keys.
func (s *Stack) Primary(context.Context, time.Time) ([]operator.PrimaryKey, error) {
	return s.Primaries, s.Keys
}

// HMAC names a record by a hash.
func (s *Stack) HMAC(_ context.Context, class, id string) (string, error) {
	return HMAC(class, id), nil
}

// ProofKey is the id of the one proof key.
func (s *Stack) ProofKey(context.Context) (string, error) { return "0a1b2c3d", nil }

// HMAC is what the lists of certificates name a record by.
func HMAC(class, id string) string {
	sum := sha256.Sum256([]byte(class + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// records are the class tables. No test in memory reads a whole document.
type records struct {
	purgetest.Records
	stack *Stack
}

func (r records) OfSubject(_ context.Context, class string, subject contact.Key) ([]string, error) {
	var ids []string
	for id, item := range r.stack.Items(r.stack.t, class) {
		if item[names.AttrSubject] == string(subject) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (r records) Document(context.Context, string, string) (retention.Document, error) {
	return retention.Document{}, retention.ErrNoRecord
}

type bucket struct{ *Stack }

func (b bucket) Load(_ context.Context, _, run string) (certificate.Signed, error) {
	sealed, found := b.Bucket[run]
	if !found {
		return sealed.Signed, certificate.ErrNone
	}
	return sealed.Signed, nil
}

func (b bucket) LoadList(_ context.Context, _, run, shard string) ([]byte, error) {
	sealed, found := b.Bucket[run]
	if !found || shard != listed {
		return nil, certificate.ErrNone
	}
	return sealed.List, nil
}

func (b bucket) Report(_ context.Context, _, run string) ([]byte, error) {
	return b.Bucket[run].Report, nil
}

func (b bucket) PublicKeys(context.Context) ([][]byte, error) { return b.Stack.PublicKeys, nil }

func (b bucket) Runs(_ context.Context, class string) ([]string, error) {
	var runs []string
	for run, sealed := range b.Bucket {
		var c certificate.Certificate
		if err := json.Unmarshal(sealed.JSON, &c); err != nil || c.Class == class {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

func (s *Stack) tables(_ context.Context, classes []string) ([]operator.Table, error) {
	all := []operator.Table{{Name: "test-suppressions", State: "ACTIVE", Items: 1, OK: true}}
	for _, class := range classes {
		all = append(all, operator.Table{Name: "test-records-" + class, State: "ACTIVE", OK: true})
	}
	for _, name := range s.Missing {
		all = append(all, operator.Table{Name: name, State: "MISSING"})
	}
	return all, nil
}

type queues struct{ *Stack }

func (s queues) All(context.Context) ([]operator.Queue, error) { return s.Queue, nil }

// Move moves every message that the queues hold.
func (s queues) Move(_ context.Context, from, to operator.Queue) (int, error) {
	moved := 0
	for i, q := range s.Queue {
		switch q.Name {
		case from.Name:
			moved, s.Queue[i].Messages = q.Messages, 0
		case to.Name:
			s.Queue[i].Messages += from.Messages
		}
	}
	return moved, nil
}

func (s queues) AddAges(context.Context, []operator.Queue, time.Time) error { return s.Ages }

// list is the suppression list.
type list struct{ *suppressiontest.List }

// Each hands over every item.
func (l list) Each(ctx context.Context, each func(i suppression.Item, unreadable error) error) error {
	items := l.Items()
	for _, key := range slices.Sorted(maps.Keys(items)) {
		_, err := l.Under(ctx, key)
		if err := each(items[key], err); err != nil {
			return err
		}
	}
	return nil
}
