package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/api/access"
	"stille/shared/names"
	"stille/shared/scope"
)

// Tools are the registered marketing tools, by the hash of their API key.
type Tools struct {
	db    *dynamodb.Client
	table string
}

// NewTools returns the tools of a stack.
func NewTools(db *dynamodb.Client, stack names.Tables) *Tools {
	return &Tools{db: db, table: stack.Tools()}
}

type storedTool struct {
	Hash      string    `dynamodbav:"hash"`
	Name      string    `dynamodbav:"name"`
	Rights    []string  `dynamodbav:"rights"`
	Scopes    []string  `dynamodbav:"scopes"`
	CreatedAt time.Time `dynamodbav:"createdAt"`
	RevokedAt string    `dynamodbav:"revokedAt,omitempty"`
}

// Put stores a tool under the hash of its key.
func (t *Tools) Put(ctx context.Context, hash string, tool access.Tool) error {
	stored, err := attributevalue.MarshalMap(storedTool{
		Hash: hash, Name: tool.Name, Rights: strs(tool.Rights), Scopes: strs(tool.Scopes),
		CreatedAt: tool.CreatedAt.UTC(), RevokedAt: instant(tool.RevokedAt),
	})
	if err != nil {
		return fmt.Errorf("storing a tool: %w", err)
	}
	if _, err := t.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.table, Item: stored}); err != nil {
		return fmt.Errorf("storing a tool: %w", err)
	}
	return nil
}

// Tool returns the tool whose key has this hash; the error wraps
// access.ErrUnknownTool if there is none.
func (t *Tools) Tool(ctx context.Context, hash string) (access.Tool, error) {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.table, Key: item{names.AttrHash: text(hash)}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return access.Tool{}, fmt.Errorf("reading a tool: %w", err)
	}
	if out.Item == nil {
		return access.Tool{}, access.ErrUnknownTool
	}
	return decodeTool(out.Item)
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
			ExpressionAttributeNames:  map[string]string{"#revoked": "revokedAt", "#hash": names.AttrHash},
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
	pages := dynamodb.NewScanPaginator(t.db, &dynamodb.ScanInput{TableName: &t.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing tools: %w", err)
		}
		for _, stored := range page.Items {
			tool, err := decodeTool(stored)
			if err != nil {
				return err
			}
			if err := do(stored, tool); err != nil {
				return err
			}
		}
	}
	return nil
}

func decodeTool(from item) (access.Tool, error) {
	var s storedTool
	if err := attributevalue.UnmarshalMap(from, &s); err != nil {
		return access.Tool{}, errUnreadable("a tool")
	}
	revoked, err := parseInstant(s.RevokedAt)
	if err != nil {
		return access.Tool{}, errUnreadable("the time a tool was revoked")
	}
	tool := access.Tool{Name: s.Name, CreatedAt: s.CreatedAt.UTC(), RevokedAt: revoked}
	for _, r := range s.Rights {
		tool.Rights = append(tool.Rights, access.Right(r))
	}
	for _, sc := range s.Scopes {
		tool.Scopes = append(tool.Scopes, scope.Scope(sc))
	}
	return tool, nil
}

func strs[T ~string](of []T) []string {
	written := make([]string, len(of))
	for i, one := range of {
		written[i] = string(one)
	}
	return written
}
