package dynamo

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/api/access"
	"stille/shared/names"
)

// Tools are the registered marketing tools, by the hash of their API key.
type Tools struct {
	db    *dynamodb.Client
	table string
}

// NewTools returns the tools of a stack.
func NewTools(db *dynamodb.Client, stack names.Tables) *Tools {
	return &Tools{db: db, table: stack.Table(names.TableTools)}
}

const attrRevokedAt = "revokedAt" // absent while the key is valid

// Put stores a tool under the hash of its key.
func (t *Tools) Put(ctx context.Context, hash string, tool access.Tool) error {
	stored := encode(tool, jsonTags)
	stored[names.AttrHash] = text(hash)
	if tool.RevokedAt.IsZero() {
		delete(stored, attrRevokedAt)
	}
	_, err := write(ctx, t.db, "storing a tool", put(t.table, stored, terms{}))
	return err
}

// Tool returns the tool whose key has this hash; the error wraps
// access.ErrUnknownTool if there is none.
func (t *Tools) Tool(ctx context.Context, hash string) (access.Tool, error) {
	stored, err := get(ctx, t.db, t.table, item{names.AttrHash: text(hash)}, "reading a tool")
	if err != nil {
		return access.Tool{}, err
	}
	if stored == nil {
		return access.Tool{}, access.ErrUnknownTool
	}
	return decodeTool(stored)
}

// List returns all tools, revoked ones too, ordered by name and age.
func (t *Tools) List(ctx context.Context) ([]access.Tool, error) {
	tools, err := decodeAll(t.scan(ctx), decodeTool)
	slices.SortFunc(tools, func(a, b access.Tool) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.CreatedAt.Compare(b.CreatedAt))
	})
	return tools, err
}

// Revoke ends every key of the tool of this name, and returns how many keys
// were valid. The tool stays on the list.
func (t *Tools) Revoke(ctx context.Context, name string, at time.Time) (int, error) {
	revoked := 0
	for stored, err := range t.scan(ctx) {
		if err != nil {
			return revoked, err
		}
		tool, err := decodeTool(stored)
		if err != nil {
			return revoked, err
		}
		if tool.Name != name || !tool.RevokedAt.IsZero() {
			continue
		}
		revoking := setting(item{attrRevokedAt: text(instant(at))}, attrRevokedAt)
		revoking.where = "attribute_exists(#" + names.AttrHash + ")"
		done, err := write(ctx, t.db, "revoking a tool", update(t.table, item{names.AttrHash: stored[names.AttrHash]}, revoking))
		if err != nil {
			return revoked, err
		}
		if done {
			revoked++
		}
	}
	return revoked, nil
}

// scan reads every tool strongly.
func (t *Tools) scan(ctx context.Context) iter.Seq2[item, error] {
	return scan(ctx, t.db, &dynamodb.ScanInput{TableName: &t.table}, "listing tools")
}

func decodeTool(from item) (access.Tool, error) {
	var tool access.Tool
	if err := decode(from, &tool, jsonTags); err != nil {
		return access.Tool{}, errUnreadable("a tool")
	}
	return tool, nil
}
