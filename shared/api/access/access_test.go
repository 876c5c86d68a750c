package access_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/access"
	"stille/shared/clocktest"
	"stille/shared/scope"
)

var errStoreDown = errors.New("the store is down")

// tools is a Tools in memory that counts its reads.
type tools struct {
	byHash map[string]access.Tool
	down   bool
	reads  int
}

func (s *tools) Tool(_ context.Context, hash string) (access.Tool, error) {
	s.reads++
	if s.down {
		return access.Tool{}, errStoreDown
	}
	tool, ok := s.byHash[hash]
	if !ok {
		return access.Tool{}, access.ErrUnknownTool
	}
	return tool, nil
}

func newKey(t *testing.T) (key, hash string) {
	t.Helper()
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, hash
}

func TestOnlyAKeysHashIsStored(t *testing.T) {
	key, hash := newKey(t)
	other, _ := newKey(t)
	if !strings.HasPrefix(key, "stille_") || len(key) != 50 {
		t.Errorf("want stille_ and 43 characters, got %d in all", len(key))
	}
	if key == other {
		t.Error("two keys are the same")
	}
	if diff := cmp.Diff(access.Hash(key), hash); diff != "" || len(hash) != 64 {
		t.Error("the hash is not the SHA-256 of the key in hex")
	}
}

func TestWithoutEnoughRandomBytesThereIsNoKey(t *testing.T) {
	if key, hash, err := access.NewKey(bytes.NewReader(make([]byte, 31))); err == nil || key != "" || hash != "" {
		t.Error("a key was made of too few random bytes")
	}
}

func TestOnlyAValidBearerKeyIsAccepted(t *testing.T) {
	key, hash := newKey(t)
	stranger, _ := newKey(t)
	revokedKey, revokedHash := newKey(t)
	store := &tools{byHash: map[string]access.Tool{
		hash:        {Name: "crm"},
		revokedHash: {Name: "old", RevokedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	}}
	cases := []struct {
		name, header, want string
	}{
		{"a key after Bearer", "Bearer " + key, "crm"},
		{"the scheme in any case, with more space", "  bEARER   " + key + " ", "crm"},
		{"no header", "", ""},
		{"no key", "Bearer", ""},
		{"another scheme", "Basic " + key, ""},
		{"the key without a scheme", key, ""},
		{"a key nobody has", "Bearer " + stranger, ""},
		{"a shortened key", "Bearer " + key[:len(key)-1], ""},
		{"two keys", "Bearer " + key + "," + key, ""},
		{"a revoked key", "Bearer " + revokedKey, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			guard := access.NewGuard(store, time.Now)
			tool, err := guard.Tool(t.Context(), c.header)
			if diff := cmp.Diff(c.want, tool.Name); diff != "" {
				t.Error(diff)
			}
			if refused := errors.Is(err, access.ErrUnauthenticated); refused != (c.want == "") {
				t.Errorf("want refused = %v, got error %v", c.want == "", err)
			}
		})
	}
}

func TestWhatIsNoKeyCostsNoRead(t *testing.T) {
	store := &tools{}
	guard := access.NewGuard(store, time.Now)
	for _, header := range []string{"", "Bearer x", "Bearer " + strings.Repeat("x", 50)} {
		if _, err := guard.Tool(t.Context(), header); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("want ErrUnauthenticated, got %v", err)
		}
	}
	if store.reads != 0 {
		t.Errorf("want no reads, got %d", store.reads)
	}
}

func TestARevokedKeyStopsAfterTheCacheExpires(t *testing.T) {
	key, hash := newKey(t)
	store := &tools{byHash: map[string]access.Tool{hash: {Name: "crm"}}}
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	guard := access.NewGuard(store, func() time.Time { return now })
	steps := []struct {
		after   time.Duration
		revoked bool
		letIn   bool
		reads   int
	}{
		{0, false, true, 1},
		{29 * time.Second, true, true, 1},
		{time.Second, true, false, 2},
		{0, true, false, 2},
		{-time.Hour, true, false, 3}, // the clock was set back
	}
	for i, step := range steps {
		now = now.Add(step.after)
		if step.revoked {
			store.byHash[hash] = access.Tool{Name: "crm", RevokedAt: now}
		}
		_, err := guard.Tool(t.Context(), "Bearer "+key)
		if letIn := err == nil; letIn != step.letIn || store.reads != step.reads {
			t.Errorf("step %d: want let in %v after %d reads, got %v after %d", i, step.letIn, step.reads, letIn, store.reads)
		}
	}
}

func TestAFailingStoreIsNotARefusal(t *testing.T) {
	key, _ := newKey(t)
	_, err := access.NewGuard(&tools{down: true}, time.Now).Tool(t.Context(), "Bearer "+key)
	if !errors.Is(err, errStoreDown) || errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("want the store's error, got %v", err)
	}
	if strings.Contains(err.Error(), key) {
		t.Error("the error repeats the key")
	}
}

func TestAToolMayOnlyWhatItsKeySays(t *testing.T) {
	acme := access.Tool{Rights: []access.Right{access.Check}, Scopes: []scope.Scope{"acme"}}
	all := access.Tool{Rights: access.Rights(), Scopes: []scope.Scope{scope.Everywhere}}
	cases := []struct {
		name  string
		tool  access.Tool
		right access.Right
		in    scope.Scope
		want  string
	}{
		{"its right in its scope", acme, access.Check, "acme", ""},
		{"its right in a topic of its brand", acme, access.Check, "acme/newsletter", ""},
		{"its right in another brand", acme, access.Check, "globex", `the API key does not allow this: it lacks the scope "globex"`},
		{"its right everywhere", acme, access.Check, scope.Everywhere, `the API key does not allow this: it lacks the scope "*"`},
		{"another right in its scope", acme, access.Suppress, "acme", `the API key does not allow this: it lacks the right "suppress"`},
		{"everything in every scope", all, access.Transactional, scope.Everywhere, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.tool.May(c.right, c.in)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if err != nil && !errors.Is(err, access.ErrForbidden) {
				t.Error("the error does not wrap ErrForbidden")
			}
		})
	}
}

// The monotonic clock of a container stands still while Lambda has frozen it.
func TestARevokedKeyStopsAfterAFreeze(t *testing.T) {
	key, hash := newKey(t)
	store := &tools{byHash: map[string]access.Tool{hash: {Name: "crm"}}}
	now := time.Now()
	guard := access.NewGuard(store, func() time.Time { return now })
	if _, err := guard.Tool(t.Context(), "Bearer "+key); err != nil {
		t.Fatal(err)
	}
	store.byHash[hash] = access.Tool{Name: "crm", RevokedAt: now}
	now = clocktest.Thawed(t, now, time.Hour)
	if _, err := guard.Tool(t.Context(), "Bearer "+key); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("error %v, want ErrUnauthenticated", err)
	}
}
