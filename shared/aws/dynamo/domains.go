package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/names"
)

// deadRemembered is how long a note of a dead domain counts. Each deploy and
// each call of the doctor renews the note.
const deadRemembered = 30 * 24 * time.Hour

// Domains notes link domains that do not answer. It lives in the table of replies,
// and is domain.Notes.
type Domains struct {
	db    *dynamodb.Client
	table string
}

// NewDomains returns the notes of a stack.
func NewDomains(db *dynamodb.Client, stack names.Tables) *Domains {
	return &Domains{db: db, table: stack.Table(names.TableReplies)}
}

func noteOf(domain string) item { return item{names.AttrID: text(names.DomainPrefix + domain)} }

// Note stores that a domain is dead, or that it answers.
func (d *Domains) Note(ctx context.Context, domain string, dead bool, now time.Time) error {
	note := remove(d.table, noteOf(domain), terms{})
	if dead {
		stored := noteOf(domain)
		stored[names.AttrExpires] = number(now.Add(deadRemembered).Unix())
		note = put(d.table, stored, terms{})
	}
	_, err := write(ctx, d.db, "noting whether a link domain answers", note)
	return err
}

// Dead reports whether a domain is noted as dead.
func (d *Domains) Dead(ctx context.Context, domain string, now time.Time) (bool, error) {
	stored, err := get(ctx, d.db, d.table, noteOf(domain), "reading whether a link domain answers")
	if err != nil || stored == nil {
		return false, err
	}
	r := reading{from: stored}
	until := r.number(names.AttrExpires)
	if until == 0 || r.wrong {
		return false, errUnreadable("whether a link domain answers")
	}
	return now.Unix() < until, nil
}
