package purgetest

import (
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// freezes changes a held record in every way, by every hold that covers it.
func (s *suite) freezes() {
	customer := consent("held")
	customer.Former, customer.Basis, customer.Data = []contact.Key{"former-1"}, retention.Customer, []byte(`{"list":"spring","n":1}`)
	customer.Objects = []string{"s3://letters/held"}
	s.put(customer)
	later := suiteStart.Add(time.Hour)
	changes := map[string]func(*retention.Record){
		"another contact":  func(r *retention.Record) { r.Subject, r.Former = "subject-2", nil },
		"no contact":       func(r *retention.Record) { r.Subject, r.Former = "", nil },
		"another scope":    func(r *retention.Record) { r.Scope = "globex" },
		"another basis":    func(r *retention.Record) { r.Basis = retention.Consent },
		"other data":       func(r *retention.Record) { r.Data = []byte(`{"list":"spring","n":2}`) },
		"no data":          func(r *retention.Record) { r.Data = nil },
		"a newer event":    func(r *retention.Record) { r.OccurredAt = later },
		"a later start":    func(r *retention.Record) { r.OccurredAt, r.Start = later, later },
		"another start":    func(r *retention.Record) { r.Start = suiteStart.Add(-time.Hour) },
		"no start":         func(r *retention.Record) { r.Start = time.Time{} },
		"another activity": func(r *retention.Record) { r.LastActivityAt = later },
		"an object more":   func(r *retention.Record) { r.Objects = append(slices.Clone(r.Objects), "s3://letters/more") },
		"no object":        func(r *retention.Record) { r.Objects = nil },
	}
	before := s.Items(s, class)["held"]
	for _, target := range []retention.Target{
		retention.SubjectTarget("subject-1"), retention.SubjectTarget("former-1"), retention.RecordTarget(class, "held"),
	} {
		s.hold(target)
		for name, change := range changes {
			next := customer
			change(&next)
			_, err := s.Records.Put(s.Context(), class, next, anyone)
			s.expectError(name+" under a hold on "+string(target), retention.ErrHeld, err)
		}
		for name, start := range map[string]time.Time{"running again": {}, "ended later": later} {
			err := s.Records.End(s.Context(), class, "held", func(r retention.Record) (retention.Record, error) {
				r.Start, r.StartAsOf = start, later
				return r, nil
			})
			s.expectError(name, retention.ErrHeld, err)
		}
		again := customer
		again.Subject, again.Former, again.Data = "subject-0", []contact.Key{"subject-1"}, []byte(`{"n":1, "list":"spring"}`)
		for name, same := range map[string]retention.Record{"a repetition": customer, "a repetition after a rotation": again} {
			outcome, err := s.Records.Put(s.Context(), class, same, anyone)
			s.must(err)
			s.expect(name, true, outcome.Stored)
		}
		s.expect("the frozen record", before, s.Items(s, class)["held"])
		_, err := s.Holds.Lift(s.Context(), retention.OfCase("c-1"), suiteStart, "ola")
		s.must(err)
	}
	s.hold(retention.SubjectTarget("subject-2"))
	taken := customer
	taken.Subject, taken.Former = "subject-2", nil
	_, err := s.Records.Put(s.Context(), class, taken, anyone)
	s.expectError("given to a held contact", retention.ErrHeld, err)
	newer := customer
	newer.OccurredAt = later
	s.expect("after the lifting", true, s.put(newer).OccurredAt.Equal(later))

	running := consent("running")
	running.Subject, running.Basis, running.Start = "subject-2", retention.Customer, time.Time{}
	s.put(running)
	s.must(s.Records.End(s.Context(), class, "running", func(r retention.Record) (retention.Record, error) {
		r.Start, r.StartAsOf = later, later
		return r, nil
	}))
	done, err := s.Records.Withdraw(s.Context(), class, s.get("running"), later)
	s.must(err)
	s.expect("a missing end and a withdrawal are noted", true, done && s.get("running").Start.Equal(later) && s.get("running").WithdrawnAs(later))
}

// withObjects is a consent of a separate contact that names objects.
func withObjects(id string, objects ...string) retention.Record {
	r := consent(id)
	r.Subject, r.Objects = contact.Key("subject-"+id), objects
	return r
}

// expectOwner expects a record to own an object; no record, where want is empty.
func (s *suite) expectOwner(object, want string) {
	s.Helper()
	owners, err := s.Records.Owners(s.Context(), []string{object, object, "s3://letters/nobody"})
	s.must(err)
	expected := map[string]retention.Owner{}
	if want != "" {
		expected[object] = retention.Owner{Class: class, ID: want}
	}
	s.expect("the owner of "+object, expected, owners)
}

func (s *suite) expectRefusal(what string, r retention.Record, want error) {
	s.Helper()
	_, err := s.Records.Put(s.Context(), class, r, anyone)
	s.expectError(what, want, err)
}

// claims gives objects to records, by every way in which a record comes.
func (s *suite) claims() {
	const a, b, c = "s3://letters/a", "s3://letters/b", "s3://letters/c"
	s.put(withObjects("one", a))
	s.expectOwner(a, "one")
	s.expectRefusal("another record's object", withObjects("two", b, a), retention.ErrObjectTaken)
	s.expectOwner(b, "")
	newer := withObjects("one", b)
	newer.OccurredAt = suiteStart.Add(time.Hour)
	s.expect("what an upsert drops stays", []string{a, b}, s.put(newer).Claimed)
	s.expectRefusal("a dropped object", withObjects("two", a), retention.ErrObjectTaken)

	s.Plant(s, class, map[string]any{names.AttrID: "planted", names.AttrObjects: []string{b, c}})
	_, err := s.Records.ClaimObjects(s.Context(), class, s.get("planted"), retention.Record{})
	s.expectError("claimed in a direct write", retention.ErrObjectTaken, err)
	s.expect("it owns the other object", []string{c}, s.get("planted").Claimed)
	s.Plant(s, class, map[string]any{names.AttrID: "planted"})
	for _, want := range []bool{true, false} {
		claimed, err := s.Records.ClaimObjects(s.Context(), class, s.get("planted"), retention.Record{Objects: []string{c}})
		s.must(err)
		s.expect("claimed anything", want, claimed)
	}
	s.expect("a direct write that forgets its object", []string{c}, s.get("planted").Claimed)
	s.expectRefusal("a forgotten object", withObjects("two", c), retention.ErrObjectTaken)

	s.must(s.Records.Leave(s.Context(), class, "planted"))
	s.expectOwner(c, "planted")
	s.Remove(s, class, "planted")
	s.put(withObjects("two", c))
	s.expectOwner(c, "two")
	s.Remove(s, class, "two")
	s.must(s.Records.Leave(s.Context(), class, "two"))
	s.expectOwner(c, "")
}

// claimsGo deletes records that own objects.
func (s *suite) claimsGo() {
	const a, b, c = "s3://letters/a", "s3://letters/b", "s3://letters/c"
	s.put(withObjects("one", a, b))
	done, err := s.delete("run-1", 0, s.get("one"))
	s.must(err)
	s.expect("marked first", []string{"one"}, done.Marked)
	s.expectOwner(a, "one")
	done, err = s.Deleter.DeleteMarked(s.Context(), under("run-1", 0), []retention.Stored{s.get("one")})
	s.must(err)
	s.expect("deleted", []string{"one"}, done.Deleted)
	s.expectOwner(a, "")
	s.expectOwner(b, "")

	var many []retention.Stored
	for n := range 3 {
		var objects []string
		for object := range retention.MostObjects {
			objects = append(objects, fmt.Sprintf("s3://letters/%d/%d", n, object))
		}
		s.put(withObjects(fmt.Sprint("many-", n), objects...))
		more := withObjects(fmt.Sprint("many-", n), c)
		more.OccurredAt = suiteStart.Add(time.Hour)
		s.expectRefusal("one object more than a record may own", more, retention.ErrObjects)
		many = append(many, s.get(more.ID))
	}
	_, err = s.delete("run-1", 0, many...)
	s.must(err)
	done, err = s.Deleter.DeleteMarked(s.Context(), under("run-1", 0), many)
	s.must(err)
	s.expect("deleted with many objects", 3, len(done.Deleted))
	s.expectOwner("s3://letters/2/79", "")
}
