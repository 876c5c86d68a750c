package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	stored := encodeJSON(tool)
	stored[names.AttrHash] = text(hash)
	if tool.RevokedAt.IsZero() {
		delete(stored, attrRevokedAt)
	}
	if _, err := t.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.table, Item: stored}); err != nil {
		return fmt.Errorf("storing a tool: %w", err)
	}
	return nil
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
	var tools []access.Tool
	err := t.each(ctx, func(_ item, tool access.Tool) error {
		tools = append(tools, tool)
		return nil
	})
	slices.SortFunc(tools, func(a, b access.Tool) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.CreatedAt.Compare(b.CreatedAt))
	})
	return tools, err
}

// Revoke ends every key of the tool of this name, and returns how many keys
// were valid. The tool stays on the list.
func (t *Tools) Revoke(ctx context.Context, name string, at time.Time) (int, error) {
	revoked := 0
	err := t.each(ctx, func(stored item, tool access.Tool) error {
		if tool.Name != name || !tool.RevokedAt.IsZero() {
			return nil
		}
		_, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &t.table, Key: item{names.AttrHash: stored[names.AttrHash]},
			UpdateExpression:          aws.String("SET #revoked = if_not_exists(#revoked, :at)"),
			ConditionExpression:       aws.String("attribute_exists(#hash)"),
			ExpressionAttributeNames:  map[string]string{"#revoked": attrRevokedAt, "#hash": names.AttrHash},
			ExpressionAttributeValues: item{":at": text(instant(at))},
		})
		if err != nil {
			return fmt.Errorf("revoking a tool: %w", err)
		}
		revoked++
		return nil
	})
	return revoked, err
}

// each reads every tool strongly.
func (t *Tools) each(ctx context.Context, do func(item, access.Tool) error) error {
	for stored, err := range scan(ctx, t.db, &dynamodb.ScanInput{TableName: &t.table}, "listing tools") {
		if err != nil {
			return err
		}
		tool, err := decodeTool(stored)
		if err != nil {
			return err
		}
		if err := do(stored, tool); err != nil {
			return err
		}
	}
	return nil
}

func decodeTool(from item) (access.Tool, error) {
	var tool access.Tool
	if err := decodeJSON(from, &tool); err != nil {
		return access.Tool{}, errUnreadable("a tool")
	}
	return tool, nil
}
