package deployment_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/deployment"
	"stille/shared/scope/scopetest"
)

// hosts answers as our page at some hosts, and notes what is noted.
type hosts struct {
	ours  []string
	noted map[string]bool
	err   error
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(h.ours, r.URL.Host) {
		return nil, errors.New("no such host")
	}
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Header: http.Header{
		"Content-Security-Policy": {"default-src 'none'"}, "Referrer-Policy": {"no-referrer"},
	}}, nil
}

func (h *hosts) Note(_ context.Context, domain string, dead bool, _ time.Time) error {
	h.noted[domain] = dead
	return h.err
}

func TestDeadDomainsAreNamedAndNoted(t *testing.T) {
	for name, test := range map[string]struct {
		ours []string
		err  error
		dead []string
		says string
	}{
		"all answer":            {[]string{"links.acme.example", "links.globex.example"}, nil, nil, ""},
		"one does not":          {[]string{"links.globex.example"}, nil, []string{"links.acme.example"}, "no such host; mint makes no link to it until it answers"},
		"none does":             {nil, nil, []string{"links.acme.example", "links.globex.example"}, "no such host"},
		"nobody may note it":    {[]string{"links.globex.example"}, errors.New("access denied"), []string{"links.acme.example"}, "mint does not know that, and makes links to it: access denied"},
		"nobody must know well": {[]string{"links.acme.example", "links.globex.example"}, errors.New("access denied"), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			world := &hosts{ours: test.ours, err: test.err, noted: map[string]bool{}}
			found := deployment.LinkDomains{HTTP: &http.Client{Transport: world}, Note: world.Note, Now: time.Now}.Look(t.Context(), scopetest.Registry(t))
			var dead []string
			for _, c := range found {
				if !strings.Contains(c.Wrong, test.says) || !strings.Contains(c.Next, "domains") {
					t.Errorf("it says %q, and to do: %q", c.Wrong, c.Next)
				}
				for _, domain := range []string{"links.acme.example", "links.globex.example"} {
					if strings.Contains(c.Wrong, "https://"+domain) {
						dead = append(dead, domain)
					}
				}
			}
			if diff := cmp.Diff(test.dead, dead); diff != "" {
				t.Errorf("named (-want +got)\n%s", diff)
			}
			want := map[string]bool{}
			for _, domain := range []string{"links.acme.example", "links.globex.example"} {
				want[domain] = slices.Contains(test.dead, domain)
			}
			if diff := cmp.Diff(want, world.noted); diff != "" {
				t.Errorf("noted (-want +got)\n%s", diff)
			}
		})
	}
}
