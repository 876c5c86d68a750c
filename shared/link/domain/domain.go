// Package domain keeps links to a dead domain out of messages. A deploy and the
// doctor ask each brand's link domain for a page of ours and note a domain that does
// not answer. Mint asks a noted domain again before it refuses, so a domain that
// answers is in use at once. What nobody knows never refuses a link.
package domain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// ErrForeign means that something else answers at a link domain.
var ErrForeign = errors.New("it has no page of stille")

// Client asks domains. It follows no redirect: a link must not need one.
func Client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Ask asks for a link that is none below a base URL, and returns why the answer is not
// our page.
func Ask(ctx context.Context, client *http.Client, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/e/doctor", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Security-Policy") == "" || resp.Header.Get("Referrer-Policy") == "" {
		return ErrForeign
	}
	return nil
}

// How long a verdict stands, and how long it may take.
const (
	aliveFor     = time.Minute
	deadFor      = 5 * time.Second
	notePatience = 300 * time.Millisecond
	askPatience  = 2 * time.Second
)

// Guard refuses dead domains.
type Guard struct {
	IsNoted func(ctx context.Context, domain string, now time.Time) (bool, error) // as dead at now
	Ask     func(ctx context.Context, base string) error
	Now     func() time.Time

	mutex    sync.Mutex
	verdicts map[string]verdict
}

type verdict struct {
	dead  bool
	until time.Time
}

// DeadError names a domain to which no link must lead.
type DeadError struct{ Domain string }

func (e DeadError) Error() string {
	return fmt.Sprintf("the link domain %s does not answer, and no link must lead to it: type stille doctor", e.Domain)
}

// Check returns a DeadError where a domain is noted as dead and does not answer now.
func (g *Guard) Check(ctx context.Context, domain string) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	now := g.Now()
	known, found := g.verdicts[domain]
	if !found || !now.Before(known.until) {
		known = verdict{false, now.Add(aliveFor)}
		if g.isDead(ctx, domain, now) {
			known = verdict{true, now.Add(deadFor)}
		}
		if g.verdicts == nil {
			g.verdicts = map[string]verdict{}
		}
		g.verdicts[domain] = known
	}
	if known.dead {
		return DeadError{domain}
	}
	return nil
}

func (g *Guard) isDead(ctx context.Context, domain string, now time.Time) bool {
	reading, done := context.WithTimeout(ctx, notePatience)
	defer done()
	if noted, err := g.IsNoted(reading, domain, now); err != nil || !noted {
		return false
	}
	asking, done := context.WithTimeout(ctx, askPatience)
	defer done()
	return g.Ask(asking, "https://"+domain) != nil
}
