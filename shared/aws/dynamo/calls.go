package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/feedback/hook"
	"stille/shared/names"
)

// callRemembered is how long the time of a hook's last call is kept.
const callRemembered = 2 * 365 * 24 * time.Hour

// Calls knows when each hook was last called. It lives in the table of replies.
type Calls struct {
	db    *dynamodb.Client
	table string
}

// NewCalls returns the calls of a stack.
func NewCalls(db *dynamodb.Client, stack names.Tables) *Calls {
	return &Calls{db: db, table: stack.Replies()}
}

func callOf(h hook.Hook) item {
	return item{names.AttrID: text("hook/" + h.Provider + "/" + string(h.Scope))}
}

// Note stores that the hook was called now.
func (c *Calls) Note(ctx context.Context, h hook.Hook, now time.Time) error {
	stored := callOf(h)
	stored[names.AttrCalledAt] = number(now.Unix())
	stored[names.AttrExpires] = number(now.Add(callRemembered).Unix())
	if _, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: stored}); err != nil {
		return fmt.Errorf("storing the time of a hook's call: %w", err)
	}
	return nil
}

// Called returns when the hook was last called; the zero time for never.
func (c *Calls) Called(ctx context.Context, h hook.Hook) (time.Time, error) {
	stored, err := get(ctx, c.db, c.table, callOf(h), "reading the time of a hook's call")
	if err != nil || stored == nil {
		return time.Time{}, err
	}
	r := reading{from: stored}
	seconds := r.number(names.AttrCalledAt)
	if seconds == 0 || r.wrong {
		return time.Time{}, errUnreadable("the time of a hook's call")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
