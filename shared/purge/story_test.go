//go:build store

package purge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// storyIDs are the ids of a story's records.
var storyIDs = []string{"a", "b"} //nolint:gochecknoglobals // a constant

// story is the true course of one schedule, call by call, with the promises
// made. It fails the test at the first broken promise.
type story struct {
	*testing.T
	*stage
	plot    *schedule
	records *dynamo.Records // as they are, outside the schedule
	s3      *objectstest.Memory
	letters objectstest.Bucket

	manifest purgetest.Memory
	run      string // whose turn it is, or was last

	mu    sync.Mutex
	facts map[string]*fact
	holds []*placed
	moved map[*actor]bool // workers whose page found its fence moved
}

// fact is the current state of a record.
type fact struct {
	name      string
	is        retention.Record
	there     bool
	changedAt int    // the step of its owner's last change; 0: never
	restored  bool   // its owner stored it again after its deletion
	mark      string // the run that has marked it
	markedBy  *actor
	markedAt  int // the last step; 0: never
	readAs    map[*actor]retention.Record
	deletedBy map[*actor]bool
	outcome   map[*actor]purge.Outcome
	lists     map[string]bool // the runs whose accounts list it
}

// placed is a hold of an actor.
type placed struct {
	targets      []retention.Target
	acknowledged bool
	lifting      bool // an actor has begun to lift it
	liftedAt     int
	tooLate      []retention.Target
}

// covers is written without the code under test: a hold is on the record, or on
// its subject under any key.
func (p *placed) covers(r retention.Record) bool {
	return slices.ContainsFunc(p.targets, func(t retention.Target) bool {
		subject, _ := t.Subject()
		_, id, _ := t.Record()
		return id == r.ID || subject != "" && (subject == r.Subject || slices.Contains(r.Former, subject))
	})
}

// broken reports a broken promise, and how to repeat the schedule.
func (s *story) broken(who *actor, record, how string) {
	s.plot.remark("BROKEN, by " + who.name + ": " + record + " " + how)
	s.Errorf("seed %d: %s: %s %s", s.plot.seed, who.name, record, how)
}

// saw records the effect of a worker's call.
func (s *story) saw(a *actor, step int, operation string, body []byte, answer answered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.run == "":
	case operation == "BatchGetItem" && bytes.Contains(body, []byte(s.stack.Records(retention.Messaging))):
		for _, f := range s.facts {
			if bytes.Contains(body, []byte(`"`+s.id(f.name)+`"`)) {
				f.readAs[a] = f.is
			}
		}
	case operation == "TransactWriteItems" && answer.status == http.StatusOK:
		s.sawWritten(a, step, body)
	case operation == "TransactWriteItems":
		s.sawRefused(a, body, answer.body)
	}
}

func (s *story) sawWritten(a *actor, step int, body []byte) {
	var transaction writes
	if err := json.Unmarshal(body, &transaction); err != nil {
		s.Error(err)
	}
	for _, write := range transaction.TransactItems {
		if write.Delete != nil && write.Delete.TableName == s.stack.Records(s.class.Name) { // not the claim of an object
			s.deleted(a, s.named(write.Delete.Key.ID.S))
		}
		if write.Update != nil {
			s.marked(a, step, s.named(write.Update.Key.ID.S))
		}
	}
}

// decided checks the conditions of a record's deletion or mark.
func (s *story) decided(a *actor, f *fact) {
	if !s.class.Due(f.is, cutoff) {
		s.broken(a, f.name, "was not due")
	}
	if !reflect.DeepEqual(f.is, f.readAs[a]) {
		s.broken(a, f.name, "was not as it had been read")
	}
	s.unheld(a, f)
}

// unheld checks that no acknowledged hold covers a record. A hold that was
// reported as too late does not count.
func (s *story) unheld(a *actor, f *fact) {
	for _, hold := range s.holds {
		if hold.acknowledged && !hold.lifting && hold.covers(f.is) && !slices.Contains(hold.tooLate, s.target(f)) {
			s.broken(a, f.name, "was held")
		}
	}
}

func (s *story) marked(a *actor, step int, f *fact) {
	switch {
	case a.turn != s.turn:
		s.broken(a, f.name, "was marked after the run's turn")
	case f.mark == "":
		s.decided(a, f)
	case f.markedBy != a:
		s.happened("a record marked by one worker was taken up by another")
	}
	f.mark, f.markedBy, f.markedAt = a.run, a, step
	s.plot.remark(f.name + " is marked")
}

func (s *story) deleted(a *actor, f *fact) {
	switch {
	case a.turn != s.turn:
		s.broken(a, f.name, "was deleted after the run's turn")
	case !f.there:
		s.broken(a, f.name, "was deleted and was not there")
	case f.mark == "" && len(f.is.Objects) > 0:
		s.broken(a, f.name, "was not marked")
	case f.mark == "":
		s.decided(a, f)
	case f.mark != a.run:
		s.broken(a, f.name, "was marked by another")
	default:
		s.unheld(a, f)
	}
	if slices.ContainsFunc(s.holds, func(p *placed) bool { return p.lifting && p.covers(f.is) }) {
		s.happened("a hold was lifted and its record went")
	}
	if f.mark != "" {
		s.happened("a record went with its object")
	}
	s.happened("a record went")
	f.there, f.mark = false, ""
	f.deletedBy[a] = true
	s.plot.remark(f.name + " is deleted")
}

// sawRefused records why a worker's transaction was cancelled.
func (s *story) sawRefused(a *actor, body, answer []byte) {
	deletesMarked := bytes.Contains(body, []byte("#turn")) && !bytes.Contains(body, []byte("#epoch"))
	var refused refused
	if err := json.Unmarshal(answer, &refused); err != nil {
		s.Error(err)
	}
	const notMet = "ConditionalCheckFailed"
	for n, reason := range refused.CancellationReasons {
		switch {
		case reason.Code != notMet:
		case deletesMarked && n > 0:
			s.happened("a mark did not stand any more")
		case n == 0:
			s.moved[a] = true
			s.happened("a fence had moved")
		case reason.Item == nil:
			s.happened("a record was gone at the transaction")
		default:
			s.happened("a record had changed at the transaction")
		}
	}
	s.plot.remark("refused")
}

// objectGone records that an actor deletes an object.
func (s *story) objectGone(a *actor, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.facts[key[:1]]; f.markedAt == 0 {
		s.broken(a, f.name, "lost an object and was not marked")
	}
}

// changed records the state of a record after its owner's change was confirmed.
func (s *story) changed(a *actor, name string) {
	stored, err := s.records.Get(s.Context(), retention.Messaging, s.id(name))
	if err != nil && !errors.Is(err, retention.ErrNoRecord) {
		s.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.facts[name]
	switch {
	case err != nil && f.there:
		s.broken(a, name, "is gone and nobody deleted it")
	case err != nil || f.there && reflect.DeepEqual(f.is, stored.Record):
		return
	case !f.there:
		f.there, f.restored = true, true
		s.happened("a record was stored again")
	case f.mark != "":
		s.broken(a, name, "was changed while it was being purged")
	case !mayChangeHeld(f.is, stored.Record) && slices.ContainsFunc(s.holds, func(p *placed) bool { return p.acknowledged && !p.lifting && p.covers(f.is) }):
		s.broken(a, name, "was changed while it was held")
	}
	f.is, f.changedAt = stored.Record, s.plot.step
	s.plot.remark(name + " is changed")
}

// mayChangeHeld reports whether a hold allows the change of a record: a
// withdrawal, or a start that was missing.
func mayChangeHeld(was, is retention.Record) bool {
	if was.WithdrawnAt = is.WithdrawnAt; was.SetsStart(is) {
		was.Start, was.StartAsOf = is.Start, is.StartAsOf
	}
	return reflect.DeepEqual(was, is)
}

// acknowledge records that a hold was placed, and for which records it was too
// late.
func (s *story) acknowledge(a *actor, hold *placed, tooLate []retention.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hold.acknowledged, hold.tooLate = true, tooLate
	for _, f := range s.facts {
		named := slices.Contains(tooLate, s.target(f))
		if named {
			s.happened("a hold came too late")
		}
		if named && f.markedAt == 0 {
			s.broken(a, f.name, "was named as too late and was never marked")
		}
		if !named && f.mark != "" && hold.covers(f.is) {
			s.broken(a, f.name, "was marked, and the hold was not told")
		}
	}
	s.plot.remark(fmt.Sprintf("acknowledged, too late for %d", len(tooLate)))
}

// finished checks that a finished page has the true outcome of each of its
// records.
func (s *story) finished(a *actor, ids []string, outcomes map[string]purge.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		f, outcome := s.named(id), outcomes[id]
		f.outcome[a] = outcome
		switch {
		case outcome == "":
			s.broken(a, f.name, "has no outcome")
		case outcome == purge.Failed:
			s.broken(a, f.name, "is said to have failed")
		case (outcome == purge.Deleted) != f.deletedBy[a]:
			s.broken(a, f.name, "is not as its outcome says: "+string(outcome))
		case outcome == purge.Held && s.moved[a]:
			s.happened("a hold was seen only because the fence had moved")
		}
	}
}

// over records that a worker has gone through the shard: every record that was
// due when it began, and that no actor changed or held, must be gone.
func (s *story) over(a *actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.facts {
		if f.deletedBy[a] && f.outcome[a] != purge.Deleted {
			s.broken(a, f.name, "was deleted, and the manifest does not say so")
		}
		// A record that was stored again is in no index: no actor stamps it.
		untouched := f.there && !f.restored && s.class.Due(f.is, cutoff) && f.changedAt < a.began
		markedBefore := f.markedAt > 0 && f.markedAt < a.began
		markedMeanwhile := f.mark != "" && f.markedBy != a && !markedBefore
		held := slices.ContainsFunc(s.holds, func(p *placed) bool {
			return p.covers(f.is) && (p.liftedAt == 0 || p.liftedAt > a.began)
		})
		if untouched && !markedMeanwhile && (!held || f.mark != "") {
			s.broken(a, f.name, "was due and nothing kept it, and it is still there")
		}
	}
}

// account accounts for a run, and checks that exactly its deletions are listed. Of a
// record that was stored again, the table decides what the account says.
func (s *story) account(a *actor, run string, records *dynamo.Records, manifest purge.Manifest) error {
	var mu sync.Mutex
	var listed []string
	verifier := purge.Verifier{
		Records: records, Manifest: manifest, HMAC: func(_, id string) string { return id },
		Keep: func(_ context.Context, _ string, list []byte) error {
			mu.Lock()
			defer mu.Unlock()
			listed = append(listed, strings.Fields(string(list))...)
			return nil
		},
	}
	if _, err := verifier.Account(s.Context(), s.class, run, cutoff); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.facts {
		deleted := false
		for by := range f.deletedBy {
			deleted = deleted || by.run == run
		}
		f.lists[run] = slices.Contains(listed, s.id(f.name))
		switch {
		case f.lists[run] && !deleted:
			s.broken(a, f.name, "is listed by a run that did not delete it")
		case deleted && !f.lists[run] && !f.restored:
			s.broken(a, f.name, "was deleted by a run that does not list it")
		case deleted && a.run != "":
			s.happened("a deletion of a run that was taken over was accounted for")
		}
	}
	return nil
}

// end compares the story with the table, the bucket and the accounts.
func (s *story) end(nobody *actor) {
	if err := s.account(nobody, s.run, s.records, &s.manifest); err != nil {
		s.Fatal(err)
	}
	ids := make([]string, len(storyIDs))
	for n, name := range storyIDs {
		ids[n] = s.id(name)
	}
	there, unreadable, err := s.records.Load(s.Context(), retention.Messaging, ids)
	if err != nil || len(unreadable) > 0 {
		s.Fatalf("%d unreadable, error %v", len(unreadable), err)
	}
	left := s.letters.Left(s.T)
	for _, name := range storyIDs {
		f, stored := s.facts[name], there[s.id(name)]
		maps.DeleteFunc(f.lists, func(_ string, listed bool) bool { return !listed })
		if lists := len(f.lists); !f.restored && (f.there && lists > 0 || !f.there && lists != 1) {
			s.broken(nobody, name, fmt.Sprintf("is in %d lists", lists))
		}
		if f.there != (stored.ID != "") || f.there && f.mark != stored.PurgingBy {
			s.broken(nobody, name, "is not in the table as the story has it")
		}
		for _, object := range f.is.Claimed {
			versions := left[strings.TrimPrefix(object, "s3://letters/")]
			switch {
			case f.restored:
			case !f.there && versions > 0:
				s.broken(nobody, name, "is gone and its object is left")
			case f.there && f.markedAt == 0 && versions == 0:
				s.broken(nobody, name, "has lost its object")
			}
		}
		if f.there && slices.ContainsFunc(s.holds, func(p *placed) bool { return p.acknowledged && !p.lifting && p.covers(f.is) }) {
			s.happened("a hold kept its record")
		}
	}
}

func (s *story) named(id string) *fact { return s.facts[id[len(id)-1:]] }

func (s *story) target(f *fact) retention.Target {
	return retention.RecordTarget(retention.Messaging, s.id(f.name))
}
