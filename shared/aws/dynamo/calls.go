package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/feedback/hook"
	"stille/shared/names"
)

// callRemembered is how long a last call is kept.
const callRemembered = 2 * 365 * 24 * time.Hour

// Calls knows the last call of each hook, and the last delivery to each webhook. It
// lives in the table of replies.
type Calls struct {
	db    *dynamodb.Client
	table string
}

// NewCalls returns the calls of a stack.
func NewCalls(db *dynamodb.Client, stack names.Tables) *Calls {
	return &Calls{db: db, table: stack.Table(names.TableReplies)}
}

// Note stores a call.
func (c *Calls) Note(ctx context.Context, id string, made hook.Call) error {
	stored := item{
		names.AttrID: text(id), names.AttrCalledAt: number(made.At.Unix()), names.AttrCallFailure: text(made.Failure),
		names.AttrExpires: number(made.At.Add(callRemembered).Unix()),
	}
	_, err := write(ctx, c.db, "storing the last call", put(c.table, stored, terms{}))
	return err
}

// Last returns the call that was stored last; the zero Call for none.
func (c *Calls) Last(ctx context.Context, id string) (hook.Call, error) {
	stored, err := get(ctx, c.db, c.table, item{names.AttrID: text(id)}, "reading the last call")
	if err != nil || stored == nil {
		return hook.Call{}, err
	}
	r := reading{from: stored}
	last := hook.Call{At: time.Unix(r.number(names.AttrCalledAt), 0).UTC(), Failure: r.text(names.AttrCallFailure)}
	if last.At.Unix() == 0 || r.wrong {
		return hook.Call{}, errUnreadable("the last call")
	}
	return last, nil
}
