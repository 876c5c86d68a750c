// Package access decides what a tool may do through the API. A tool shows a key
// of 256 random bits, of which only the SHA-256 is stored: nobody can guess the
// key, so no slower hash is needed. The package promises that a revoked key stops
// working within CacheFor, and that a refusal names the missing right or scope.
// It never logs or repeats a key.
package access

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"stille/shared/scope"
)

var (
	// ErrUnauthenticated means that the request has no valid key.
	ErrUnauthenticated = errors.New("a valid API key is needed")
	// ErrForbidden means that the key lacks a right or a scope.
	ErrForbidden = errors.New("the API key does not allow this")
	// ErrUnknownTool means that a Tools does not hold the hash.
	ErrUnknownTool = errors.New("no tool has this key")
)

// Right is one kind of call that a key may make.
type Right string

// The rights. A check with the purpose transactional needs both Check and
// Transactional.
const (
	Check         Right = "check"
	Links         Right = "links"
	Suppress      Right = "suppress"
	Release       Right = "release"
	Records       Right = "records"
	Transactional Right = "transactional"
)

// Rights lists every right.
func Rights() []Right {
	return []Right{Check, Links, Suppress, Release, Records, Transactional}
}

// Tool is the holder of a key.
type Tool struct {
	Name      string        `json:"name"`
	Rights    []Right       `json:"rights"`
	Scopes    []scope.Scope `json:"scopes"`
	CreatedAt time.Time     `json:"createdAt"`
	RevokedAt time.Time     `json:"revokedAt,omitzero"` // zero while the key is valid
}

// May returns nil, or an error that wraps ErrForbidden and names the missing
// right or scope.
func (t Tool) May(right Right, in scope.Scope) error {
	if !slices.Contains(t.Rights, right) {
		return fmt.Errorf("%w: it lacks the right %q", ErrForbidden, right)
	}
	if !slices.ContainsFunc(t.Scopes, func(s scope.Scope) bool { return s.Covers(in) }) {
		return fmt.Errorf("%w: it lacks the scope %q", ErrForbidden, in)
	}
	return nil
}

const (
	prefix    = "stille_"
	keyBytes  = 32
	keyLength = len(prefix) + 43 // base64url of keyBytes, without padding
)

// NewKey makes a key out of random bytes, and the hash to store. The key itself
// is shown to the operator once and stored nowhere.
func NewKey(random io.Reader) (key, hash string, err error) {
	secret := make([]byte, keyBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return "", "", fmt.Errorf("making an API key: %w", err)
	}
	key = prefix + base64.RawURLEncoding.EncodeToString(secret)
	return key, Hash(key), nil
}

// Hash returns the stored form of a key: its SHA-256 in hex.
func Hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Tools finds a tool by the hash of its key. The error wraps ErrUnknownTool if no
// tool has the hash.
type Tools interface {
	Tool(ctx context.Context, hash string) (Tool, error)
}

// CacheFor is how long a tool that was found is not read again.
const CacheFor = 30 * time.Second

// Guard checks the keys that callers show. It is safe for concurrent use.
type Guard struct {
	tools Tools
	now   func() time.Time

	mu    sync.Mutex
	found map[string]sighting
}

type sighting struct {
	tool Tool
	at   time.Time
}

// NewGuard returns a guard that looks keys up in tools.
func NewGuard(tools Tools, now func() time.Time) *Guard {
	return &Guard{tools: tools, now: now, found: make(map[string]sighting)}
}

// Tool returns the tool whose key is in the Authorization header. The error
// wraps ErrUnauthenticated, or else says why the key could not be looked up.
func (g *Guard) Tool(ctx context.Context, authorization string) (Tool, error) {
	scheme, key, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || len(key) != keyLength || !strings.HasPrefix(key, prefix) {
		return Tool{}, ErrUnauthenticated
	}
	tool, err := g.byHash(ctx, Hash(key))
	switch {
	case errors.Is(err, ErrUnknownTool):
		return Tool{}, ErrUnauthenticated
	case err != nil:
		return Tool{}, fmt.Errorf("looking up an API key: %w", err)
	case !tool.RevokedAt.IsZero():
		return Tool{}, ErrUnauthenticated
	}
	return tool, nil
}

func (g *Guard) byHash(ctx context.Context, hash string) (Tool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// By the wall clock: the monotonic clock stands still while Lambda has frozen a
	// container. A clock that was set back ends the use, too.
	now := g.now().Round(0)
	if seen, ok := g.found[hash]; ok {
		if age := now.Sub(seen.at); age >= 0 && age < CacheFor {
			return seen.tool, nil
		}
	}
	delete(g.found, hash)
	tool, err := g.tools.Tool(ctx, hash)
	if err != nil {
		return Tool{}, err
	}
	g.found[hash] = sighting{tool: tool, at: now}
	return tool, nil
}
