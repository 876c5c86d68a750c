package purgetest

import (
	"fmt"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

func (s *suite) holds() {
	subject, record := retention.SubjectTarget("subject-1"), retention.RecordTarget(class, "sub-1")
	s.hold(subject, record)
	held := func() purge.HeldTargets {
		s.Helper()
		got, err := s.Holds.Held(s.Context(), []retention.Target{subject, record, subject, "record#messaging#other"})
		s.must(err)
		return got
	}
	s.expect("held", purge.HeldTargets{subject: true, record: true}, held())
	for _, want := range []int{2, 0} {
		lifted, err := s.Holds.Lift(s.Context(), retention.OfCase("c-1"), suiteStart.Add(time.Hour), "ola")
		s.must(err)
		s.expect("lifted", want, len(lifted))
	}
	s.expect("after the lifting", purge.HeldTargets{}, held())
	all, err := s.Holds.List(s.Context())
	s.must(err)
	if len(all) != 2 || all[0].Target != record || all[0].Active() {
		s.Errorf("holds %+v", all)
	}
	if _, err := s.Holds.Set(s.Context(), nil, nil); err == nil {
		s.Error("no holds were placed without an error")
	}
}

func (s *suite) history() {
	hold := retention.Hold{
		Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget("subject-1"), Contact: retention.SubjectTarget("subject-1"),
		SetAt: suiteStart, SetBy: "kari",
	}
	again, other := hold, hold
	again.SetAt, again.SetBy, other.Case = suiteStart.Add(2*time.Hour), "ola", "c-2"
	set := func(hold retention.Hold) {
		s.Helper()
		_, err := s.Holds.Set(s.Context(), []string{class}, []retention.Hold{hold})
		s.must(err)
	}
	set(hold)
	set(other)
	lifted, err := s.Holds.Lift(s.Context(), retention.OfCase("c-1"), suiteStart.Add(time.Hour), "per")
	s.must(err)
	set(again)
	ended := hold
	ended.LiftedAt, ended.LiftedBy = suiteStart.Add(time.Hour), "per"
	s.expect("lifted", []retention.Hold{ended}, lifted)
	events, err := s.Holds.History(s.Context(), "c-1")
	s.must(err)
	s.expect("the history", []retention.Hold{hold, ended, again}, events)
	all, err := s.Holds.List(s.Context())
	s.must(err)
	s.expect("what stands", []retention.Hold{again, other}, all)
}

func (s *suite) kinds() {
	hold := retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget("subject-1"), SetAt: suiteStart}
	asked := hold
	asked.Kind = retention.Restriction
	set := func(hold retention.Hold) error {
		_, err := s.Holds.Set(s.Context(), []string{class}, []retention.Hold{hold})
		return err
	}
	s.must(set(hold))
	s.expectError("of the other kind", retention.ErrOtherKind, set(asked))
	s.must(set(hold))
	_, err := s.Holds.Lift(s.Context(), retention.OfCase("c-1"), suiteStart, "ola")
	s.must(err)
	s.must(set(asked))
}

func (s *suite) restores() {
	s.put(consent("sub-1"))
	hold := retention.Hold{
		Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget("subject-1"), Contact: retention.SubjectTarget("subject-1"),
		SetAt: suiteStart, SetBy: "kari",
	}
	_, err := s.Holds.Set(s.Context(), []string{class}, []retention.Hold{hold})
	s.must(err)
	missing, older, changed := hold, hold, hold
	missing.Case, older.SetAt, changed.Reason = "c-2", suiteStart.Add(-time.Hour), "changed"
	restore := func(repairs ...retention.HoldRepair) retention.Placed {
		s.Helper()
		before, err := s.Holds.Fence(s.Context(), "2a")
		s.must(err)
		placed, err := s.Holds.Restore(s.Context(), []string{class}, repairs)
		s.must(err)
		after, err := s.Holds.Fence(s.Context(), "2a")
		s.must(err)
		s.expect("the fence was raised by", int64(1), after-before)
		return placed
	}
	placed := restore(retention.HoldRepair{Is: missing}, retention.HoldRepair{Was: hold, Is: older})
	s.expect("covered", map[retention.Target]int{hold.Target: 2}, placed.Covers)
	restore(retention.HoldRepair{Is: changed}, retention.HoldRepair{Was: hold, Is: changed})
	restore()
	all, err := s.Holds.List(s.Context())
	s.must(err)
	s.expect("what stands", []retention.Hold{older, missing}, all)
	events, err := s.Holds.Events(s.Context())
	s.must(err)
	s.expect("the history", []retention.Hold{hold}, events)
}

func (s *suite) covers() {
	s.put(consent("sub-1"))
	subject, record, missing := retention.SubjectTarget("subject-1"), retention.RecordTarget(class, "sub-1"), retention.RecordTarget(class, "sub-2")
	var placing []retention.Hold
	for n := range 120 { // more than one transaction takes
		placing = append(placing, retention.Hold{Case: "c-1", Kind: retention.Legal, Target: retention.RecordTarget(class, fmt.Sprint("other-", n)), SetAt: suiteStart})
	}
	for _, target := range []retention.Target{subject, record, missing} {
		placing = append(placing, retention.Hold{Case: "c-1", Kind: retention.Legal, Target: target, SetAt: suiteStart})
	}
	placed, err := s.Holds.Set(s.Context(), []string{class}, placing)
	s.must(err)
	s.expect("covered", []int{1, 1, 0}, []int{placed.Covers[subject], placed.Covers[record], placed.Covers[missing]})
	all, err := s.Holds.List(s.Context())
	s.must(err)
	s.expect("placed", len(placing), len(all))
}
