package purgetest

import (
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

func (s *suite) locks() {
	lock := func(run string, want purge.Lock) {
		s.Helper()
		got, err := s.Runs.Lock(s.Context(), class, run)
		s.must(err)
		s.expect(run, want, got)
	}
	first := purge.Lock{Holder: "run-1", Turn: purge.TurnsOfRun}
	lock("run-1", first)
	lock("run-1", first)
	lock("run-2", first)
	s.must(s.Runs.Unlock(s.Context(), class, "run-2"))
	lock("run-3", first)
	for range 2 {
		s.must(s.Runs.Unlock(s.Context(), class, "run-1"))
	}
	lock("run-3", purge.Lock{Holder: "run-3", Turn: 2 * purge.TurnsOfRun})
}

// turns deletes in a turn, before it, after it, and in another class's.
func (s *suite) turns() {
	plain, marked := s.put(consent("plain")), s.put(letter("letter"))
	in := func(turn int64) purge.Conditions {
		conditions := under("run-1", 0)
		conditions.Turn = turn
		return conditions
	}
	s.must(s.Holds.Raise(s.Context(), "other", 5))
	s.must(s.Holds.Raise(s.Context(), class, 2))
	done, err := s.Deleter.DeleteUnderFence(s.Context(), in(2), []retention.Stored{marked})
	s.must(err)
	s.expect("in its turn", purge.Deletion{Marked: []string{"letter"}}, done)
	for of, want := range map[string]int64{class: 2, "other": 5, "never purged": 0} {
		highest, err := s.Holds.Highest(s.Context(), of)
		s.must(err)
		s.expect("the highest turn of "+of, want, highest)
	}
	fenced, err := s.Holds.Fenced(s.Context(), "3f")
	s.must(err)
	s.expect("the turns", map[string]int64{class: 2, "other": 5}, fenced.Turns)

	s.must(s.Holds.Raise(s.Context(), class, 3))
	for _, turn := range []int64{0, 2, 4} {
		_, err = s.Deleter.DeleteUnderFence(s.Context(), in(turn), []retention.Stored{plain})
		s.expectError("before or after its turn", purge.ErrFenceMoved, err)
		_, err = s.Deleter.DeleteMarked(s.Context(), in(turn), []retention.Stored{marked})
		s.expectError("a mark before or after its turn", purge.ErrLockLost, err)
	}
	s.expectError("a turn that ended", purge.ErrLockLost, s.Holds.Raise(s.Context(), class, 2))
	s.hold(retention.RecordTarget(class, "other"))
	s.get("plain")
	done, err = s.Deleter.DeleteMarked(s.Context(), in(3), []retention.Stored{marked})
	s.must(err)
	s.expect("a marked record, although the fence moved", purge.Deletion{Deleted: []string{"letter"}}, done)
}

func (s *suite) chain() {
	certify := func(id, hash, previous string) error {
		run := purge.Run{Class: class, ID: id, StartedAt: suiteStart, Cutoff: suiteStart, EndedAt: suiteStart, Outcome: certificate.Completed, Certificate: hash}
		return s.Runs.Certify(s.Context(), run, previous)
	}
	s.must(certify("run-1", "one", ""))
	s.expectError("a second first", purge.ErrChainMoved, certify("run-2", "two", ""))
	s.must(certify("run-2", "two", "one"))
	if certify("run-1", "three", "two") == nil {
		s.Error("a run was certified twice")
	}
	head, err := s.Runs.Head(s.Context(), class)
	s.must(err)
	s.expect("head", "two", head)
	all, err := s.Runs.List(s.Context(), class)
	s.must(err)
	s.expect("runs", 2, len(all))
}

func (s *suite) runs() {
	_, err := s.Runs.Get(s.Context(), class, "run-1")
	s.expectError("no run", purge.ErrNoRun, err)
	for _, planned := range []int{3, 4} {
		run, err := s.Runs.Start(s.Context(), purge.Run{Class: class, ID: "run-1", Planned: planned})
		s.must(err)
		s.expect("planned", 3, run.Planned)
	}
	s.expectError("stopping no run", purge.ErrNoRun, s.Runs.Stop(s.Context(), class, "run-2", "somebody"))
	for _, want := range []bool{false, true} {
		stopped, err := s.Runs.Stopped(s.Context(), class, "run-1")
		s.must(err)
		s.expect("stopped", want, stopped)
		s.must(s.Runs.Stop(s.Context(), class, "run-1", "somebody"))
	}
	s.must(s.Runs.Certify(s.Context(), purge.Run{Class: class, ID: "run-1", Certificate: "one"}, ""))
	s.expectError("stopping a run that ended", purge.ErrNoRun, s.Runs.Stop(s.Context(), class, "run-1", "somebody"))
}

func (s *suite) plans() {
	_, err := s.Runs.Halted(s.Context(), class)
	s.expectError("no plan", purge.ErrNoPlan, err)
	for _, hash := range []string{"old", "new"} {
		s.must(s.Runs.Halt(s.Context(), purge.HaltedPlan{Class: class, PlanHash: hash, HaltedAt: suiteStart}))
	}
	for _, c := range []struct {
		hash, by string
		want     error
	}{{"old", "operator", purge.ErrNoPlan}, {"new", "operator", nil}, {"new", "operator", nil}, {"new", "another", purge.ErrNoPlan}} {
		s.expectError(c.hash+" by "+c.by, c.want, s.Runs.Approve(s.Context(), class, purge.Approval{PlanHash: c.hash, By: c.by, At: suiteStart}))
	}
	plan, err := s.Runs.Halted(s.Context(), class)
	s.must(err)
	s.expect("approved by", []string{"new", "operator"}, []string{plan.PlanHash, plan.ApprovedBy})
	s.must(s.Runs.Approve(s.Context(), class, purge.Approval{PlanHash: "new", By: "operator", At: suiteStart, UntilDone: true}))
	plan, err = s.Runs.Halted(s.Context(), class)
	s.must(err)
	s.expect("until done", true, plan.UntilDone)
	plan.Shards = []int{3}
	s.must(s.Runs.Keep(s.Context(), plan))
	s.expectError("another plan's place", purge.ErrNoPlan, s.Runs.Keep(s.Context(), purge.HaltedPlan{Class: class, PlanHash: "old"}))
	kept, err := s.Runs.Halted(s.Context(), class)
	s.must(err)
	s.expect("kept", plan, kept)
	s.must(s.Runs.Halt(s.Context(), purge.HaltedPlan{Class: class, Run: "later", PlanHash: "new", HaltedAt: suiteStart}))
	again, err := s.Runs.Halted(s.Context(), class)
	s.must(err)
	s.expect("the same plan of another run, approved by", "", again.ApprovedBy)
	s.must(s.Runs.Forget(s.Context(), class))
	s.expectError("keeping a forgotten plan", purge.ErrNoPlan, s.Runs.Keep(s.Context(), plan))
	s.expectError("a forgotten plan", purge.ErrNoPlan, s.Runs.Approve(s.Context(), class, purge.Approval{PlanHash: "new", By: "operator", At: suiteStart}))
}
