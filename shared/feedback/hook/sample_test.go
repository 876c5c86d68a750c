package hook_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/feedback/hook"
)

func TestASampleIsACallOfItsProvider(t *testing.T) {
	at := now.Add(-time.Second).Add(123 * time.Millisecond)
	for name, v := range vendors(t) {
		t.Run(name, func(t *testing.T) {
			p := find(t, name)
			given := hook.Hook{Provider: name, Scope: "acme", URL: address, Credential: hook.Credential{Secret: v.secret}}
			if !p.Signed {
				given.URL += "?key=" + url.QueryEscape(v.secret)
			}
			sample, err := given.Sample("sample-1", at)
			if err != nil {
				t.Fatal(err)
			}
			reached, err := url.Parse(sample.URL)
			if err != nil {
				t.Fatal(err)
			}
			sample.Query = reached.Query()
			if p.Proves(sample.Request, []string{v.secret}, now) != sample.Signed || sample.Signed != (name != "sendgrid") {
				t.Errorf("signed %v, and the proof is another", sample.Signed)
			}
			got, err := p.Read(sample.Request, "acme", now)
			if err != nil || len(got.Said) != 1 || got.Counted+len(got.Unreadable) != 0 {
				t.Fatalf("%d events, error %v", len(got.Said), err)
			}
			want := now.Add(-time.Second)
			if name == "twilio" { // a message without a time
				want = now
			}
			said := got.Said[0]
			if diff := cmp.Diff(want, said.Changes[0].At); diff != "" || said.Contact != sample.Contact {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
