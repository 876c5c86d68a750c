package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/api/access"
)

// Tools is the list of the tools that may call the API.
type Tools interface {
	List(ctx context.Context) ([]access.Tool, error)
	Put(ctx context.Context, hash string, tool access.Tool) error
	// Revoke ends every key of the tool and returns how many still worked.
	Revoke(ctx context.Context, name string, at time.Time) (int, error)
}

// ErrNoTool means that no tool of the name has a key that works.
var ErrNoTool = errors.New("no tool of this name has a key that works; `stille tool list` shows them all")

// ToolKey is a new API key. It is stored nowhere.
type ToolKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// ToolList is every tool, revoked ones too.
type ToolList struct {
	Tools []access.Tool `json:"tools"`
}

// Revocation says how many keys of a tool were revoked.
type Revocation struct {
	Name    string `json:"name"`
	Revoked int    `json:"revoked"`
}

// AddTool makes an API key with rights for scopes. A name may be used again
// once its key is revoked.
func (o *Operator) AddTool(ctx context.Context, name string, rights []access.Right, scopes []string) (*ToolKey, error) {
	tool := access.Tool{Name: name, Rights: rights, CreatedAt: o.Now()}
	for _, given := range scopes {
		in, err := o.scope(ctx, given)
		if err != nil {
			return nil, fmt.Errorf("--scopes: %w", err)
		}
		tool.Scopes = append(tool.Scopes, in)
	}
	all, err := o.Tools.List(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(other access.Tool) bool { return other.Name == name && other.RevokedAt.IsZero() }) {
		return nil, fmt.Errorf("there is a tool of this name: choose another, or revoke it first with `stille tool revoke %s`", name)
	}
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := o.Tools.Put(ctx, hash, tool); err != nil {
		return nil, err
	}
	return &ToolKey{Name: name, Key: key}, nil
}

// ListTools lists the tools.
func (o *Operator) ListTools(ctx context.Context) (*ToolList, error) {
	all, err := o.Tools.List(ctx)
	if err != nil {
		return nil, err
	}
	return &ToolList{Tools: append([]access.Tool{}, all...)}, nil
}

// RevokeTool ends a tool's key.
func (o *Operator) RevokeTool(ctx context.Context, name string) (*Revocation, error) {
	revoked, err := o.Tools.Revoke(ctx, name, o.Now())
	if err != nil {
		return nil, err
	}
	if revoked == 0 {
		return nil, ErrNoTool
	}
	return &Revocation{Name: name, Revoked: revoked}, nil
}
