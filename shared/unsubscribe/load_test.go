package unsubscribe_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
)

// places is how many requests a link function serves at once.
const places = 50

// crowd is the link function under load: fifty containers, each with its breaker,
// before one store.
type crowd struct {
	*world
	engine *engine
	free   chan unsubscribe.Handler

	mu     sync.Mutex
	waits  map[string]int // queued opt-outs by contact key
	away   int            // requests that found no place
	status map[int]int
	slow   time.Duration   // the longest answer
	late   []time.Duration // the answers of the second half
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{
		world: newWorld(t), engine: &engine{items: map[string]map[string]any{}, busy: map[string]bool{}},
		free: make(chan unsubscribe.Handler, places), waits: map[string]int{}, status: map[int]int{},
	}
	list := dynamo.NewSuppressions(dynamo.NewClient(aws.Config{
		Region: "eu-north-1", HTTPClient: c.engine, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), names.Stack("unit"))
	for range places {
		h := c.handlers[contact.Email]
		h.List, h.Log, h.Now = list, slog.New(slog.DiscardHandler), time.Now
		h.Keys = c
		h.Store = outage.Store{Keys: c, List: list, Queue: c, Breaker: &outage.Breaker{}, Patience: outage.Patience}
		c.free <- h
	}
	return c
}

// The world's notes are for one request at a time.
func (c *crowd) Contact(context.Context) (*contact.KeySet, error)  { return c.contactKeys, nil }
func (c *crowd) Unproven(context.Context) (*contact.KeySet, error) { return c.contactKeys, nil }

func (c *crowd) Put(_ context.Context, o outage.OptOut) error {
	time.Sleep(10 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[string(o.Keys[0])]++
	return nil
}

// post sends one click, or turns it away where no place is free.
func (c *crowd) post(path string, late bool) {
	select {
	case h := <-c.free:
		start := time.Now()
		resp, err := h.Serve(context.Background(), oneClick(path))
		took := time.Since(start)
		c.free <- h
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			resp.StatusCode = 0
		}
		c.status[resp.StatusCode]++
		c.slow = max(c.slow, took)
		if late {
			c.late = append(c.late, took)
		}
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.away++
	}
}

// paths are the links of people.
func (c *crowd) paths(t *testing.T, n int) []string {
	t.Helper()
	paths := make([]string, n)
	for i := range paths {
		who, err := contact.Normalise(contact.Email, fmt.Sprintf("person.%d@example.no", i), "")
		must(t, err)
		token, err := c.freshLinkKeys.Mint(link.Target{ScopeID: acmeID, Contact: who})
		must(t, err)
		paths[i] = link.Path(contact.Email, token)
	}
	return paths
}

// One link is posted two hundred times a second while twenty people a second opt out.
func TestAStormOnOneLinkTurnsNobodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds, first = 5, 10
		c := newCrowd(t)
		paths := c.paths(t, 20*seconds+1)
		var all sync.WaitGroup
		for range first { // nobody knows the contact yet, so these conflict
			all.Go(func() { c.post(paths[0], false) })
		}
		for tick := range 200 * seconds {
			all.Go(func() { c.post(paths[0], false) })
			if tick%10 == 0 {
				all.Go(func() { c.post(paths[1+tick/10], false) })
			}
			time.Sleep(5 * time.Millisecond)
		}
		all.Wait()
		if c.away > 0 || c.status[http.StatusOK] != 220*seconds+first || c.slow > 2*time.Second {
			t.Errorf("%d turned away, statuses %v, the slowest took %v", c.away, c.status, c.slow)
		}
		for key, n := range c.engine.entries() {
			if n != 1 {
				t.Errorf("%s has %d entries", key, n)
			}
		}
		if n := len(c.engine.entries()); n != len(paths) || c.engine.conflicts == 0 {
			t.Errorf("%d contacts are silent after %d conflicts", n, c.engine.conflicts)
		}
	})
}

// The first click is one transaction, and a further click of a container one read.
func TestAFurtherClickCostsOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		path := c.paths(t, 1)[0]
		for reads := range 3 {
			c.post(path, false)
			if e := c.engine; e.reads != reads || e.transactions != 1 || c.status[http.StatusOK] != reads+1 {
				t.Errorf("%d reads and %d transactions so far, want %d and 1; statuses %v", e.reads, e.transactions, reads, c.status)
			}
		}
	})
}

// A hundred people a second opt out while every call of the store hangs.
func TestAStoreThatHangsLosesNoOptOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds = 12
		c := newCrowd(t)
		c.engine.hangs = true
		paths := c.paths(t, 100*seconds)
		var all sync.WaitGroup
		for n, path := range paths {
			all.Go(func() { c.post(path, n > len(paths)/2) })
			time.Sleep(10 * time.Millisecond)
		}
		all.Wait()
		if c.away > 0 || c.status[http.StatusServiceUnavailable] != len(paths) || len(c.waits) != len(paths) {
			t.Errorf("%d turned away, statuses %v, %d wait", c.away, c.status, len(c.waits))
		}
		soon := 0
		for _, took := range c.late {
			if took < 50*time.Millisecond {
				soon++
			}
		}
		if c.slow > time.Second || soon*10 < len(c.late)*8 {
			t.Errorf("the slowest took %v; %d of %d late answers came at once", c.slow, soon, len(c.late))
		}
		for key, n := range c.waits {
			if n != 1 || strings.Contains(key, "@") {
				t.Errorf("%d messages of one opt-out", n)
			}
		}
	})
}
