//go:build store

package purge_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/objects"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
)

// indecisive is the number of a worker's first calls: it begins, reads both
// indexes, and begins a page.
const indecisive = 4

// worker goes through the shard once, in the turn of the story's first run.
func (s *story) worker(name string, after *actor) *actor {
	a := s.plot.actor(name, func(a *actor) {
		if after != nil {
			<-after.over
		}
		s.work(a)
	})
	a.run, a.turn, a.waitsAt = s.run, s.turn, indecisive+s.plot.random.IntN(longestWait)
	return a
}

// nextRun takes the class over from the run before, as if that run had been killed,
// and goes through the shard. It begins once the actor before has taken over or is
// over. The workers of the run before may live on.
func (s *story) nextRun(name, run string, before *actor) *actor {
	a := s.plot.actor(name, func(a *actor) {
		defer a.tookOver()
		if before != nil {
			<-before.took
		}
		if err := s.takeOver(a); a.dead {
			s.happened("a run died while it took over")
		} else if err != nil {
			s.Errorf("seed %d: %s takes over: %v", s.plot.seed, name, err)
		} else {
			a.tookOver()
			s.work(a)
		}
	})
	a.run, a.took = run, make(chan struct{})
	a.waitsAt, a.waitsFor = 0, s.plot.random.IntN(2*longestWait)
	a.tookOver = sync.OnceFunc(func() { close(a.took) })
	return a
}

// takeOver does what the state machine does about a killed run: it ends the run's
// turn, accounts for its deletions, and begins its own turn.
func (s *story) takeOver(a *actor) error {
	db := s.as(a)
	turns := dynamo.NewHolds(db, s.stack)
	killed := s.run
	raise := func(to int64) error {
		err := turns.Raise(s.Context(), s.class.Name, to)
		if err == nil {
			s.turn = to
		}
		return err
	}
	if err := raise(s.turn + 1); err != nil {
		return err
	}
	if err := s.account(a, killed, dynamo.NewRecords(db, s.stack), s.manifestOf(a)); err != nil {
		return err
	}
	if err := raise(s.turn + 1); err != nil {
		return err
	}
	s.run, a.turn = a.run, s.turn
	s.happened("a run was taken over")
	return nil
}

// work goes through the shard once.
func (s *story) work(a *actor) {
	a.began, _ = a.await("begins")
	db := s.as(a)
	w := purge.Worker{
		Records: dynamo.NewRecords(db, s.stack), Deleter: dynamo.NewDeleter(db, s.stack), Holds: dynamo.NewHolds(db, s.stack),
		Objects: objects.NewDeleter(scheduledS3{a, s, s.s3}), Manifest: s.manifestOf(a),
		Stopped: neverStopped, Log: slog.New(slog.DiscardHandler),
	}
	work := purge.Work{Class: s.class.Name, Run: a.run, Turn: a.turn, Cutoff: cutoff, Shard: s.shard}
	done, err := w.Shard(s.Context(), s.class, work, func() bool { return true })
	switch {
	case a.dead:
		s.happened("a worker died")
	case errors.Is(err, purge.ErrLockLost) && a.turn < s.turn:
		s.happened("a worker lived on and had lost its turn")
	case err != nil || !done.Done:
		s.Errorf("seed %d: %s is done: %v, error %v", s.plot.seed, a.name, done.Done, err)
	case a.turn == s.turn:
		s.over(a)
	}
}

// holder places a hold, and lifts it if lifting is set. A hold on a contact is
// on all of its keys: see Set.
func (s *story) holder(name string, lift bool, targets ...retention.Target) *actor {
	return s.plot.actor(name, func(a *actor) {
		holds := dynamo.NewHolds(s.as(a), s.stack)
		caseID := fmt.Sprintf("%s on stage %d", name, s.number)
		var placing []retention.Hold
		for _, target := range targets {
			placing = append(placing, retention.Hold{Case: caseID, Reason: "claim", Kind: retention.Legal, Target: target, SetAt: cutoff})
		}
		hold := &placed{targets: targets}
		s.mu.Lock()
		s.holds = append(s.holds, hold)
		s.mu.Unlock()
		met, err := holds.Set(s.Context(), []string{s.class.Name}, placing)
		if err != nil {
			s.Errorf("seed %d: %s: %v", s.plot.seed, name, err)
			return
		}
		s.acknowledge(a, hold, met.TooLate)
		if !lift {
			return
		}
		s.mu.Lock()
		hold.lifting = true
		s.mu.Unlock()
		if lifted, err := holds.Lift(s.Context(), retention.OfCase(caseID), cutoff, name); err != nil || len(lifted) != len(targets) {
			s.Errorf("seed %d: %s: %d lifted, error %v", s.plot.seed, name, len(lifted), err)
		}
		s.mu.Lock()
		hold.liftedAt = s.plot.step
		s.mu.Unlock()
	})
}

// heldLongAgo places a hold before the schedule begins, on a contact that had
// only one key then.
func (s *story) heldLongAgo() {
	hold := &placed{targets: subjectTargets(s.keys(s.plot.random.IntN(contacts))[1:])}
	s.holds = append(s.holds, hold)
	long := retention.Hold{Case: fmt.Sprint("long-ago-", s.number), Reason: "claim", Kind: retention.Legal, Target: hold.targets[0], SetAt: cutoff}
	holds := dynamo.NewHolds(over(s.db, s.wire, s.elsewhere), s.stack)
	met, err := holds.Set(s.Context(), []string{s.class.Name}, []retention.Hold{long})
	if err != nil {
		s.Fatal(err)
	}
	s.acknowledge(s.plot.nobody(), hold, met.TooLate)
}

func subjectTargets(keys []contact.Key) []retention.Target {
	targets := make([]retention.Target, len(keys))
	for n, key := range keys {
		targets[n] = retention.SubjectTarget(key)
	}
	return targets
}

// owner changes a record, and tries again after every conflict.
func (s *story) owner(name, record string, do func(records *dynamo.Records) (done bool, err error)) *actor {
	return s.plot.actor(name, func(a *actor) {
		records := dynamo.NewRecords(s.as(a), s.stack)
		for done := false; !done; {
			var err error
			done, err = do(records)
			switch {
			case errors.Is(err, retention.ErrBeingPurged):
				s.happened("an owner was told that the record is being purged")
				return
			case errors.Is(err, retention.ErrHeld):
				s.happened("a hold froze its record")
				return
			case errors.Is(err, retention.ErrNoRecord):
				return
			case errors.Is(err, retention.ErrOlder), errors.Is(err, retention.ErrNotAService):
				return
			case err != nil:
				s.Errorf("seed %d: %s: %v", s.plot.seed, name, err)
				return
			}
		}
		s.changed(a, record)
	})
}

// put stores the record's first version with one change.
func (s *story) put(name, record string, change func(*retention.Record)) *actor {
	next := s.facts[record].is
	change(&next)
	return s.owner(name, record, func(records *dynamo.Records) (bool, error) {
		_, err := records.Put(s.Context(), s.class.Name, next, func(retention.Record) error { return nil })
		return true, err
	})
}

// ending writes the messages on the record's end, one after the other.
func (s *story) ending(name, record string, words ...func(retention.Record) retention.Ending) *actor {
	said := 0
	return s.owner(name, record, func(records *dynamo.Records) (bool, error) {
		err := records.End(s.Context(), s.class.Name, s.id(record), func(stored retention.Record) (retention.Record, error) {
			return s.class.End(stored, words[said](stored))
		})
		if said++; err == nil && said < len(words) {
			s.changed(s.plot.nobody(), record)
		}
		return said == len(words), err
	})
}

func runsAgain(r retention.Record) retention.Ending { return r.RunsAgain(cutoff) }

func endedAt(at time.Time) func(retention.Record) retention.Ending {
	return func(retention.Record) retention.Ending { return retention.Ending{At: at} }
}

// withdrawing withdraws the record, or clears its withdrawal (zero).
func (s *story) withdrawing(name, record string, at time.Time) *actor {
	return s.owner(name, record, func(records *dynamo.Records) (bool, error) {
		stored, err := records.Get(s.Context(), s.class.Name, s.id(record))
		if err != nil {
			return false, err
		}
		return records.Withdraw(s.Context(), s.class.Name, stored, at)
	})
}

// other is an actor that is not a worker and changes one of the records.
func (s *story) other(n int) *actor {
	random := s.plot.random
	record := storyIDs[random.IntN(len(storyIDs))]
	f := s.facts[record]
	name := func(does string) string { return strings.Repeat("another ", n) + "actor " + does }
	lift := random.IntN(5) == 0
	switch random.IntN(13) {
	case 0, 1:
		return s.holder(name("holds "+record), lift, s.target(f))
	case 2, 3:
		return s.holder(name("holds the contact of "+record), lift, subjectTargets(s.keysOf(f.is))...)
	case 4:
		return s.holder(name("holds a contact"), lift, subjectTargets(s.keys(random.IntN(contacts)))...)
	case 5:
		return s.put(name("renews "+record), record, func(r *retention.Record) { r.Start, r.OccurredAt = cutoff, cutoff })
	case 6:
		return s.ending(name("replies in "+record), record, runsAgain)
	case 7:
		return s.ending(name("replies in "+record+" and ends it"), record, runsAgain, endedAt(cutoff.Add(time.Hour)))
	case 8:
		return s.withdrawing(name("withdraws "+record), record, cutoff)
	case 9:
		return s.withdrawing(name("takes back the withdrawal of "+record), record, time.Time{})
	case 10:
		return s.put(name("stores "+record+" again"), record, func(*retention.Record) {})
	}
	return s.correction(name("corrects "+record), record)
}

// correction changes one attribute of a record that no other action changes.
func (s *story) correction(name, record string) *actor {
	random := s.plot.random
	what := []struct {
		name   string
		change func(*retention.Record)
	}{
		{"start", func(r *retention.Record) { r.Start = cutoff }},
		{"subject", func(r *retention.Record) { r.Subject, r.Former = s.keys(random.IntN(contacts))[0], nil }},
		{"former subjects", func(r *retention.Record) { r.Former = s.keysOf(*r)[1:] }},
		{"time", func(r *retention.Record) { r.OccurredAt = r.OccurredAt.Add(time.Second) }},
		{"scope", func(r *retention.Record) { r.Scope = scope.Scope("globex") }},
		{"basis", func(r *retention.Record) { r.Basis = retention.Consent }},
		{"objects", func(r *retention.Record) { r.Objects = []string{"s3://letters/" + record + "2"} }},
	}
	if n := random.IntN(len(what) + 1); n < len(what) {
		return s.put(name+"'s "+what[n].name, record, what[n].change)
	}
	return s.ending(name+"'s end", record, endedAt(s.facts[record].is.Start))
}
