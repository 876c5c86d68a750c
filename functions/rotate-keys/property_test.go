package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stille/shared/aws/keyring"
)

func TestNoKeyChangeForgetsAnOptOut(t *testing.T) {
	people := neighbours(t)
	destroyed := 0
	rapid.Check(t, func(t *rapid.T) {
		s := newStreet(t, 2, people)
		s.draw = t
		t.Repeat(map[string]func(*rapid.T){
			"":               func(*rapid.T) { s.open() },
			"rotate link":    func(*rapid.T) { s.order(rotateLink) },
			"rotate contact": func(*rapid.T) { s.order(rotateContact) },
			"rotate contact to the end, while others work": func(*rapid.T) {
				for range 2 {
					s.work()
					s.order(rotateContact)
					s.work()
					s.pass(keyring.Settled)
				}
			},
			"destroy": func(*rapid.T) {
				live := len(s.canaries)
				for _, id := range slices.Sorted(maps.Keys(s.canaries)) {
					s.order(destroy("contact", id))
				}
				destroyed += live - len(s.canaries)
			},
			"minutes pass": func(t *rapid.T) {
				s.pass(time.Duration(rapid.IntRange(1, 21).Draw(t, "minutes")) * time.Minute)
			},
			"days pass":       func(t *rapid.T) { s.pass(time.Duration(rapid.IntRange(1, 6).Draw(t, "days")) * 24 * time.Hour) },
			"opt out":         func(*rapid.T) { s.optOut(s.container(), s.person()) },
			"ask":             func(*rapid.T) { s.askAll() },
			"wait in a queue": func(*rapid.T) { s.wait(s.container(), s.person()) },
			"mint":            func(*rapid.T) { s.mint(s.container()) },
			"lose its way":    func(*rapid.T) { c := s.container(); c.down = !c.down },
		})
	})
	if destroyed == 0 {
		t.Error("no key was ever destroyed: this shows nothing")
	}
}

// However long before the rotation a container read the keys, and however long
// it has lost its way since.
func TestAStaleContainerNeverMissesAnOptOut(t *testing.T) {
	people := neighbours(t)
	for since := time.Duration(0); since < keyring.Fresh+keyring.Grace; since += time.Minute {
		s := newStreet(t, 2, people)
		lost, other := s.containers[0], s.containers[1]
		s.ask(lost)
		lost.down = true
		s.pass(since)
		for range 60 {
			s.order(rotateContact)
			s.optOut(other, people[0])
			s.ask(lost)
			s.pass(time.Minute)
		}
		if n := len(s.contactKeys(t)); n != 3 { // the second was promoted, and a third waits or was promoted too
			t.Errorf("there are %d keys: the rotation did not come to its end", n)
		}
	}
}

func TestWhatWaitedInAQueueIsNeverMissed(t *testing.T) {
	people := neighbours(t)
	s := newStreet(t, 1, people)
	old := s.contactKeys(t)[0].ID
	s.order(rotateContact)
	s.pass(keyring.Settled - time.Minute)
	s.wait(s.containers[0], people[0])
	s.pass(time.Minute)
	s.order(rotateContact)
	for range 30 * 24 {
		s.order(destroy("contact", old))
		s.ask(s.containers[0])
		s.pass(time.Hour)
	}
	if len(s.silent) != 1 || len(s.contactKeys(t)) != 2 {
		t.Errorf("%d are silent under %d keys: want one, under a key that is in use", len(s.silent), len(s.contactKeys(t)))
	}
	s.optOut(s.containers[0], people[0])
	s.order(destroy("contact", old))
	s.ask(s.containers[0])
	if n := len(s.contactKeys(t)); n != 1 {
		t.Errorf("%d keys are left after another had taken over", n)
	}
}
