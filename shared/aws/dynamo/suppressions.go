package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// Suppressions is the suppression list and its ledger.
type Suppressions struct {
	db     *dynamodb.Client
	table  string
	ledger string
	seen   *seen
}

// NewSuppressions returns the list of a stack.
func NewSuppressions(db *dynamodb.Client, stack names.Tables) *Suppressions {
	return &Suppressions{db: db, table: stack.Table(names.TableSuppressions), ledger: stack.Table(names.TableLedger), seen: &seen{seed: maphash.MakeSeed()}}
}

// base is the item on which a change is decided.
type base struct {
	item   suppression.Item
	stored edition // in the table; in a restored table the version may be older than item.Version
	read   bool    // the table was read; otherwise the contact is assumed to be unknown
	stale  bool    // the table must be read before anything is tried
}

// edition tells whether an item changed. The zero edition is that of no item.
type edition struct{ version, touched int64 }

func editionOf(i suppression.Item) edition { return edition{i.Version, i.Touched} }

// attrTouched is the attribute of suppression.Item.Touched.
const attrTouched = "touched"

// Apply makes one change to a contact and records the change in the ledger, in
// one transaction: once Apply has returned without an error, every later read
// sees the change. The change goes to an unmerged item.
//
// Apply is optimistic. A contact with one key is first assumed to be unknown,
// and only the item that a failed condition returns is read, so that a first
// opt-out costs one request. A contact that this process has seen is read first,
// so that a repetition costs one read. With more than one key, the items of the older
// keys are first merged into the newest, each in a separate transaction (see
// rekey.go).
func (s *Suppressions) Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	basis := base{item: unknown(who), stale: s.seen.has(who.Newest())}
	if len(who.Keys) > 1 {
		item, err := s.gather(ctx, who, now)
		if err != nil {
			return suppression.Outcome{}, err
		}
		basis = base{item: item, stored: editionOf(item), read: true}
	}
	s.seen.note(who.Newest())
	outcome, err := s.attempt(ctx, &basis, who, c, now)
	if !errors.Is(err, errRaced) {
		return outcome, err
	}
	// The first repetition follows a read, not a conflict, and needs no pause.
	err = repeat(ctx, contended("changing a suppression"), func() (err error) {
		outcome, err = s.attempt(ctx, &basis, who, c, now)
		return err
	})
	return outcome, err
}

// attempt decides the effect of the change and writes it. When it returns errRaced,
// basis is what the next attempt must decide on.
func (s *Suppressions) attempt(ctx context.Context, basis *base, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	if basis.stale {
		if err := s.reread(ctx, basis, who); err != nil {
			return suppression.Outcome{}, err
		}
	}
	outcome, err := decide(*basis, who, c, now)
	switch {
	case err != nil:
		return outcome, err
	case outcome.Entry == nil && basis.read:
		return outcome, s.touch(ctx, basis, outcome.Item)
	case outcome.Entry == nil: // the answer "without effect" requires a read
		if err := s.reread(ctx, basis, who); err != nil {
			return suppression.Outcome{}, err
		}
		return suppression.Outcome{}, errRaced
	}
	if err = s.write(ctx, s.change(basis.stored, outcome.Item, *outcome.Entry)); err == nil {
		return outcome, nil
	}
	if *basis, err = s.obstacle(ctx, *basis, err); err != nil {
		return suppression.Outcome{}, err
	}
	return suppression.Outcome{}, errRaced
}

// unknown is the item of a contact of which nothing is known.
func unknown(who contact.Known) suppression.Item {
	return suppression.Item{Key: who.Newest(), Channel: who.Channel}
}

func decide(basis base, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	id, err := entryID(now)
	if err != nil {
		return suppression.Outcome{}, err
	}
	return suppression.Apply(basis.item.Known(who.Keys...), c, id, now)
}

// touch stores an item that changed without an entry. Like attempt it returns
// errRaced where the change must be decided again.
func (s *Suppressions) touch(ctx context.Context, basis *base, i suppression.Item) error {
	if i.Touched == basis.item.Touched {
		return nil
	}
	err := s.write(ctx, []types.TransactWriteItem{s.put(basis.stored, i)})
	if reasons, ok := cancelled(err); ok && (failed(reasons[0], conditionFailed) || transient(reasons)) {
		basis.stale = true
		return errRaced
	}
	return writing(err)
}

// reread makes what is stored of the contact the base of the next attempt.
func (s *Suppressions) reread(ctx context.Context, basis *base, who contact.Known) error {
	item, err := s.unmerged(ctx, who.Newest(), who.Channel)
	*basis = base{item: item, stored: editionOf(item), read: true}
	return err
}

func entryID(now time.Time) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("naming a ledger entry: %w", err)
	}
	return id.String(), nil
}

// change stores the item (put) and its entry together, if the ledger has no
// entry of the same key and version.
func (s *Suppressions) change(stored edition, i suppression.Item, e ledger.Entry) []types.TransactWriteItem {
	return []types.TransactWriteItem{s.put(stored, i), put(s.ledger, encode(e, jsonTags), absent(names.AttrKey))}
}

// put stores an item, if the table still has the stored edition and the item is
// unmerged.
func (s *Suppressions) put(stored edition, i suppression.Item) types.TransactWriteItem {
	terms := absent(names.AttrKey)
	if stored.version > 0 {
		terms = unchanged(stored)
	}
	put := put(s.table, encodeSuppression(i), terms)
	put.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return put
}

// unchanged is the condition that an item still has this edition and is unmerged.
func unchanged(r edition) terms {
	t := terms{where: "#version = :version AND attribute_not_exists(#mergedInto) AND ", values: item{":version": number(r.version)}}
	if r.touched == 0 {
		t.where += "attribute_not_exists(#touched)"
		return t
	}
	t.where += "#touched = :touched"
	t.values[":touched"] = number(r.touched)
	return t
}

func (s *Suppressions) write(ctx context.Context, operations []types.TransactWriteItem) error {
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	return err
}

// obstacle returns the base of the next attempt after a failed write, or an
// error if another attempt would not help.
func (s *Suppressions) obstacle(ctx context.Context, tried base, err error) (base, error) {
	reasons, ok := cancelled(err)
	switch {
	case !ok || len(reasons) != 2:
	case failed(reasons[0], conditionFailed) && reasons[0].Item != nil:
		item, err := decodeSuppression(reasons[0].Item)
		if err == nil && item.MergedInto != "" {
			item, err = s.unmerged(ctx, item.MergedInto, tried.item.Channel)
		}
		return base{item: item, stored: editionOf(item), read: true}, err
	case failed(reasons[0], conditionFailed): // the item was deleted by hand
		return base{item: suppression.Item{Key: tried.item.Key, Channel: tried.item.Channel}, read: true}, nil
	case failed(reasons[1], conditionFailed):
		item, err := s.behindItsLedger(ctx, tried.item)
		return base{item: item, stored: tried.stored, read: true}, err
	case transient(reasons):
		tried.stale = true
		return tried, nil
	}
	return tried, writing(err)
}

func writing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing a suppression: %w", err)
}

// behindItsLedger returns the item with the version and the head of its newest
// ledger entry. The table was restored to an older state than the ledger, and
// the next change continues where the ledger ends.
func (s *Suppressions) behindItsLedger(ctx context.Context, i suppression.Item) (suppression.Item, error) {
	out, err := s.db.Query(ctx, s.entries(i.Key, false))
	if err != nil {
		return i, fmt.Errorf("reading the ledger: %w", err)
	}
	if len(out.Items) == 0 {
		return i, contended("writing a suppression")
	}
	newest, err := decodeEntry(out.Items[0])
	if err != nil {
		return i, err
	}
	i.Version, i.Head = newest.Version, newest.Hash()
	return i, nil
}

// entries is the query for the ledger of a contact: all entries, oldest first,
// or only the newest.
func (s *Suppressions) entries(key contact.Key, all bool) *dynamodb.QueryInput {
	query := having(s.ledger, names.AttrKey, string(key))
	if !all {
		query.ScanIndexForward, query.Limit = aws.Bool(false), aws.Int32(1)
	}
	return query
}

// Get returns everything that is known of the contact with these keys,
// including the items that replaced the items of these keys; an item without
// marks if nothing is known. The error wraps ErrUnreadable if an item is
// unreadable.
func (s *Suppressions) Get(ctx context.Context, keys []contact.Key) (suppression.Item, error) {
	items := make([]suppression.Item, 0, len(keys))
	for _, key := range keys {
		i, err := s.Under(ctx, key)
		if err != nil {
			return suppression.Item{}, err
		}
		items = append(items, i)
	}
	return s.follow(ctx, items)
}

// Under returns the item of one key, merged or not; an item without marks if
// there is none. The error wraps ErrUnreadable if the item is unreadable.
func (s *Suppressions) Under(ctx context.Context, key contact.Key) (suppression.Item, error) {
	stored, err := get(ctx, s.db, s.table, item{names.AttrKey: text(string(key))}, "reading a suppression")
	if err != nil {
		return suppression.Item{}, err
	}
	if stored == nil {
		return suppression.Item{Key: key}, nil
	}
	return decodeSuppression(stored)
}

// History returns the contact's ledger entries, oldest first.
func (s *Suppressions) History(ctx context.Context, key contact.Key) ([]ledger.Entry, error) {
	return decodeAll(query(ctx, s.db, s.entries(key, true), "reading the ledger"), decodeEntry)
}

// Empty reports whether the table holds nothing at all, not even canaries.
func (s *Suppressions) Empty(ctx context.Context) (bool, error) {
	out, err := s.db.Scan(ctx, &dynamodb.ScanInput{TableName: &s.table, Limit: aws.Int32(1), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, fmt.Errorf("reading whether the list is empty: %w", err)
	}
	return len(out.Items) == 0, nil
}

// errUnreadable names the fault of an item, and never repeats a value.
func errUnreadable(what string) error { return fmt.Errorf("%w: %s", ErrUnreadable, what) }

// Each calls each with every item of the list, read strongly and in no order.
// Merged items are included; their marks are in another item as well. For an
// unreadable item, the error wraps ErrUnreadable and the item has only its key.
// Each stops at an error from each and returns it unchanged.
//
// The scan is no snapshot: it may or may not see a change made during the scan.
func (s *Suppressions) Each(ctx context.Context, each func(i suppression.Item, unreadable error) error) error {
	for stored, err := range scan(ctx, s.db, &dynamodb.ScanInput{TableName: &s.table}, "reading the whole list") {
		if err != nil {
			return err
		}
		i, unreadable := decodeSuppression(stored)
		if i.Key == contact.Key(canariesKey) {
			continue
		}
		if err := each(i, unreadable); err != nil {
			return err
		}
	}
	return nil
}

// seen remembers some of the contacts that this process changed lately. A further
// change of that contact begins with a read, where the assumption that the
// contact is unknown would cost a cancelled transaction. What seen remembers or
// forgets decides which request comes first, and nothing else.
type seen struct {
	seed  maphash.Seed
	marks [4096]atomic.Uint64
}

func (s *seen) mark(key contact.Key) (*atomic.Uint64, uint64) {
	sum := maphash.String(s.seed, string(key))
	return &s.marks[sum%uint64(len(s.marks))], sum
}

func (s *seen) note(key contact.Key) {
	mark, sum := s.mark(key)
	mark.Store(sum)
}

func (s *seen) has(key contact.Key) bool {
	mark, sum := s.mark(key)
	return mark.Load() == sum
}
