package hook_test

import (
	"testing"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/suppression"
)

func FuzzBodiesNeverLeaveAForeignChange(f *testing.F) {
	for name, v := range vendors(f) {
		f.Add(name, v.sign(`{"event":"unsubscribe","email":"kari@example.no","timestamp":1}`).Body)
	}
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		p, err := hook.Find(name)
		if err != nil {
			return
		}
		report, err := p.Read(hook.Request{Body: body}, "acme", now)
		if err != nil && len(report.Said) > 0 {
			t.Error("an error and a report")
		}
		for _, s := range report.Said {
			if s.Contact == (contact.Contact{}) || len(s.Changes) == 0 {
				t.Error("a change of nobody, or none")
			}
			for _, c := range s.Changes {
				if c.Scope != "acme" || c.At.After(now) || suppression.CheckTime(c.At, now) != nil {
					t.Errorf("a change in %s at %s", c.Scope, c.At)
				}
			}
		}
	})
}
