package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/feedback/hook"
	"stille/shared/names"
)

// Replies remembers which SMS replies were taken, which texts a number got, which link
// domains do not answer, and the last call of each hook and to each webhook. It holds
// ids and keyed hashes, no number.
type Replies struct {
	db    *dynamodb.Client
	table string
}

// NewReplies returns the memory of a stack.
func NewReplies(db *dynamodb.Client, stack names.Tables) *Replies {
	return &Replies{db: db, table: stack.Table(names.TableReplies)}
}

// Claim claims what the id stands for until a time. Claim returns false while an
// earlier claim lasts. DynamoDB may delete a claim days after its end.
func (r *Replies) Claim(ctx context.Context, id string, until, now time.Time) (bool, error) {
	err := r.put(ctx, item{names.AttrID: text(id), names.AttrExpires: number(until.Unix())}, now)
	if conditionNotMet(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claiming a reply: %w", err)
	}
	return true, nil
}

// First remembers when the reply was first taken, until a time, and returns the
// time of the first call: SNS stamps a redelivery with a new, later time.
func (r *Replies) First(ctx context.Context, id string, at, until, now time.Time) (time.Time, error) {
	err := r.put(ctx, item{names.AttrID: text(id), attrAt: text(instant(at)), names.AttrExpires: number(until.Unix())}, now)
	refused := (*types.ConditionalCheckFailedException)(nil)
	switch {
	case err == nil:
		return at, nil
	case !errors.As(err, &refused):
		return at, fmt.Errorf("remembering a reply: %w", err)
	}
	stored := reading{from: refused.Item}
	first := stored.instant(attrAt)
	if first.IsZero() || stored.wrong {
		return at, errUnreadable("the time of a reply")
	}
	return first, nil
}

// attrAt is when a reply was first taken.
const attrAt = "at"

// put stores an item in place of none, or of an item that has ended.
func (r *Replies) put(ctx context.Context, i item, now time.Time) error {
	put := put(r.table, i, terms{where: "attribute_not_exists(#id) OR #expires <= :now", values: item{":now": number(now.Unix())}})
	put.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return send(ctx, r.db, put)
}

// Release gives a claim back if the answer was not sent.
func (r *Replies) Release(ctx context.Context, id string) error {
	_, err := write(ctx, r.db, "giving back the claim of a reply", remove(r.table, item{names.AttrID: text(id)}, terms{}))
	return err
}

// deadRemembered is how long a note of a dead domain counts. Each deploy and
// each call of the doctor renews the note.
const deadRemembered = 30 * 24 * time.Hour

func noteOf(domain string) item { return item{names.AttrID: text(names.DomainPrefix + domain)} }

// NoteDomain stores that a link domain is dead, or that it answers.
func (r *Replies) NoteDomain(ctx context.Context, domain string, dead bool, now time.Time) error {
	note := remove(r.table, noteOf(domain), terms{})
	if dead {
		stored := noteOf(domain)
		stored[names.AttrExpires] = number(now.Add(deadRemembered).Unix())
		note = put(r.table, stored, terms{})
	}
	_, err := write(ctx, r.db, "noting whether a link domain answers", note)
	return err
}

// IsDead reports whether a link domain is noted as dead.
func (r *Replies) IsDead(ctx context.Context, domain string, now time.Time) (bool, error) {
	stored, err := get(ctx, r.db, r.table, noteOf(domain), "reading whether a link domain answers")
	if err != nil || stored == nil {
		return false, err
	}
	note := reading{from: stored}
	until := note.number(names.AttrExpires)
	if until == 0 || note.wrong {
		return false, errUnreadable("whether a link domain answers")
	}
	return now.Unix() < until, nil
}

// callRemembered is how long a last call is kept.
const callRemembered = 2 * 365 * 24 * time.Hour

// NoteCall stores a call.
func (r *Replies) NoteCall(ctx context.Context, id string, made hook.Call) error {
	stored := item{
		names.AttrID: text(id), names.AttrCalledAt: number(made.At.Unix()), names.AttrCallFailure: text(made.Failure),
		names.AttrExpires: number(made.At.Add(callRemembered).Unix()),
	}
	_, err := write(ctx, r.db, "storing the last call", put(r.table, stored, terms{}))
	return err
}

// LastCall returns the call that was stored last; the zero Call for none.
func (r *Replies) LastCall(ctx context.Context, id string) (hook.Call, error) {
	stored, err := get(ctx, r.db, r.table, item{names.AttrID: text(id)}, "reading the last call")
	if err != nil || stored == nil {
		return hook.Call{}, err
	}
	call := reading{from: stored}
	last := hook.Call{At: time.Unix(call.number(names.AttrCalledAt), 0).UTC(), Failure: call.text(names.AttrCallFailure)}
	if last.At.Unix() == 0 || call.wrong {
		return hook.Call{}, errUnreadable("the last call")
	}
	return last, nil
}
