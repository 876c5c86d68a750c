package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"pgregory.net/rapid"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
)

func neighbours(t *testing.T) []contact.Contact {
	t.Helper()
	var people []contact.Contact
	for n := range 2 {
		people = append(people, person(t, contact.Email, fmt.Sprintf("person%d@example.no", n)))
	}
	return people
}

// queueKeeps is how long a message may wait in a queue.
const queueKeeps = 4 * 24 * time.Hour

// container is another function's, which serves as long as it has keys.
type container struct {
	*world
	down bool // its way to the secrets
	ring *keyring.Ring
}

func (c *container) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, o ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if c.down {
		return nil, errors.New("down")
	}
	return c.world.GetSecretValue(ctx, in, o...)
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Context() context.Context
	Fatal(...any)
	Fatalf(string, ...any)
}

// street is a world with containers at work in it.
type street struct {
	*world
	t          tester
	draw       *rapid.T
	containers []*container
	people     []contact.Contact
	rows       map[contact.Key]bool // the suppressions, by the key they stand under
	silent     []contact.Contact    // whose opt-out is stored
	queue      []waiting
	links      []string // all that were ever minted
}

// waiting is an opt-out in a queue, which knows the contact by its key only.
type waiting struct {
	person contact.Contact
	key    contact.Key
	until  time.Time
}

// newStreet has the given numbers of containers and people.
func newStreet(t tester, containers int, people []contact.Contact) *street {
	w := newWorld()
	if err := w.handler().create(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &street{world: w, t: t, people: people, rows: make(map[contact.Key]bool)}
	for range containers {
		c := &container{world: w}
		c.ring = keyring.NewRing(c, stack, w, func() time.Time { return w.now })
		s.containers = append(s.containers, c)
	}
	return s
}

func (s *street) container() *container {
	return rapid.SampledFrom(s.containers).Draw(s.draw, "container")
}

func (s *street) person() contact.Contact { return rapid.SampledFrom(s.people).Draw(s.draw, "person") }

func (s *street) order(payload string) {
	if _, err := s.handler().serve(s.t.Context(), json.RawMessage(payload)); err != nil {
		s.t.Fatal(err)
	}
}

// pass lets time go by. What is in a queue is stored before it is too old.
func (s *street) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.queue = slices.DeleteFunc(s.queue, func(w waiting) bool {
		late := !s.now.Before(w.until)
		if late {
			s.store(w.person, w.key)
		}
		return late
	})
}

// wait puts an opt-out into a queue.
func (s *street) wait(c *container, person contact.Contact) {
	if set, err := c.ring.Contact(s.t.Context()); err == nil {
		s.queue = append(s.queue, waiting{person, s.keys(set, person)[0], s.now.Add(queueKeeps)})
	}
}

func (s *street) store(person contact.Contact, key contact.Key) {
	if !s.rows[key] {
		s.rows[key] = true
		s.unmerged[key.KeyID()]++
	}
	if !slices.Contains(s.silent, person) {
		s.silent = append(s.silent, person)
	}
}

// optOut is stored under the newest key, which takes over what stands under
// older ones.
func (s *street) optOut(c *container, person contact.Contact) {
	set, err := c.ring.Contact(s.t.Context())
	if err != nil {
		return // 503: it is not stored, and nobody was told that it was
	}
	all := s.keys(set, person)
	s.store(person, all[0])
	for _, older := range all[1:] {
		if s.rows[older] {
			delete(s.rows, older)
			s.unmerged[older.KeyID()]--
		}
	}
}

func (s *street) keys(set *contact.KeySet, person contact.Contact) []contact.Key {
	all, err := set.Keys(person)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *street) mint(c *container) {
	set, err := c.ring.Link(s.t.Context())
	if err != nil {
		return
	}
	token, err := set.Mint(link.Target{ScopeID: 1, Contact: s.people[0]})
	if err != nil {
		s.t.Fatal(err)
	}
	s.links = append(s.links, token)
}

// ask fails where the container would send to somebody who opted out.
func (s *street) ask(c *container) {
	set, err := c.ring.Contact(s.t.Context())
	if err != nil {
		return // 503: do not send
	}
	for _, person := range s.silent {
		if !slices.ContainsFunc(s.keys(set, person), func(key contact.Key) bool { return s.rows[key] }) {
			s.t.Fatal("it would send to somebody who opted out")
		}
	}
}

// work lets containers do something, or lose their way to the secrets.
func (s *street) work() {
	for _, c := range s.containers {
		switch rapid.IntRange(0, 3).Draw(s.draw, "work") {
		case 0:
			s.optOut(c, s.person())
		case 1:
			c.down = !c.down
		}
	}
	s.askAll()
}

func (s *street) askAll() {
	for _, c := range s.containers {
		if rapid.Bool().Draw(s.draw, "asks") {
			s.ask(c)
		}
	}
}

// open fails where a link that was ever minted does not open.
func (s *street) open() {
	fresh, err := s.ring().Link(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for n, token := range s.links {
		if _, err := fresh.Open(contact.Email, token); err != nil {
			s.t.Fatalf("link %d does not open: %v", n, err)
		}
	}
}
