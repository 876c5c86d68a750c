package main

import (
	"slices"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// The test tries every reason in every scope relation, against a record of each
// class, on both channels of one person.
func TestEachReasonWithdrawsOnlyItsRecords(t *testing.T) {
	second := optedOut.Truncate(time.Second)
	for _, reason := range suppression.Reasons() {
		messaging := !slices.Contains([]suppression.Reason{suppression.HardBounce, suppression.Imported, suppression.Restriction}, reason)
		every := reason == suppression.Erasure
		for _, in := range []scope.Scope{"*", "acme", "acme/newsletter", "globex"} {
			t.Run(string(reason)+" in "+string(in), func(t *testing.T) {
				w, want := newWorld(), map[string]time.Time{}
				for _, class := range []string{"sub-", "conv-"} {
					for _, of := range []scope.Scope{"acme", "acme/newsletter", "globex", ""} {
						for channel, key := range map[contact.Channel]contact.Key{contact.Email: kari, contact.SMS: kariBySMS} {
							id := class + string(channel) + " in " + string(of)
							w.keep(id, key, of, consented)
							w.keep(id+", later", key, of, optedOut.Add(time.Second))
							covered := map[scope.Scope]bool{"*": true, "acme": of == "acme" || of == "acme/newsletter"}[in] || of == in
							if covered && channel == contact.Email && (every || messaging && class == "sub-") {
								want[id] = second
							}
						}
					}
				}
				if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, suppress(in, reason, optedOut)))); err != nil {
					t.Fatal(err)
				}
				w.expect(t, want)
				release := suppress(in, reason, optedOut.Add(time.Minute))
				release.Action = suppression.Release
				if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, release))); err != nil {
					t.Fatal(err)
				}
				if !every { // an erasure is not lifted
					want = map[string]time.Time{}
				}
				w.expect(t, want)
			})
		}
	}
}

func TestAnOvertakenErasureStillWithdrawsItsRecords(t *testing.T) {
	w := newWorld()
	w.keep("conv-1", kari, "acme", consented)
	w.keep("sub-1", kari, "acme", consented)
	w.keep("sub-2", kari, "acme", optedOut.Add(time.Hour))
	consent := suppress("acme", suppression.Erasure, optedOut.Add(time.Hour))
	consent.Action = suppression.Release
	released := w.change(t, kari, consent)
	erased := w.change(t, kari, suppress("acme", suppression.Erasure, optedOut))
	if erased.Action != ledger.Noted {
		t.Fatalf("the erasure is %s", erased.Action)
	}
	if err := apitest.Deliver(t, w.handler().handle, batch(released, erased)); err != nil {
		t.Fatal(err)
	}
	second := optedOut.Truncate(time.Second)
	w.expect(t, map[string]time.Time{"conv-1": second, "sub-1": second})
	if len(w.sent) != 0 {
		t.Errorf("%d events", len(w.sent))
	}
}

func TestAnErasuresReleaseLeavesTheOwnersWithdrawal(t *testing.T) {
	w := newWorld()
	w.keep("sub-1", kari, "acme", optedOut.Add(time.Minute))
	w.records["sub-1"].WithdrawnAt = optedOut.Add(2 * time.Minute)
	erased := w.change(t, kari, suppress("acme", suppression.Erasure, optedOut))
	release := suppress("acme", suppression.Erasure, optedOut.Add(time.Hour))
	release.Action = suppression.Release
	if err := apitest.Deliver(t, w.handler().handle, batch(erased, w.change(t, kari, release))); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{"sub-1": optedOut.Add(2 * time.Minute)})
}

// An entry that moves only the start or the source of a silence is carried on
// like every other opt-out.
func TestAnOlderOptOutMovesTheWithdrawal(t *testing.T) {
	w := newWorld()
	w.keep("sub-1", kari, "acme", consented)
	older := suppress("acme", suppression.Unsubscribed, optedOut.AddDate(0, 0, -6))
	older.Source = "tool:crm"
	for _, c := range []suppression.Change{suppress("acme", suppression.Unsubscribed, optedOut), older} {
		if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, c))); err != nil {
			t.Fatal(err)
		}
		w.expect(t, map[string]time.Time{"sub-1": c.At.Truncate(time.Second)})
	}
	if len(w.sent) != 2 {
		t.Errorf("%d events", len(w.sent))
	}
}
