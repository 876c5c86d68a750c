package dynamo

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// A list that was restored from a backup lacks the changes after the backup.
// The ledger is another table and has them: each item is rebuilt from the
// ledger. Opt-outs may arrive meanwhile: a change to a restored list continues
// where the ledger ends (behindItsLedger).

// EachHistory calls each with the key of every history in the ledger, read
// strongly and in no order. It stops at an error from each and returns it
// unchanged.
func (s *Suppressions) EachHistory(ctx context.Context, each func(contact.Key) error) error {
	return s.eachEntry(ctx, terms{where: "#version = :first", values: item{":first": number(1)}}, func(e ledger.Entry) error { return each(e.Key) })
}

// EachTakingOver calls each with every Rekeyed entry, in the same way.
func (s *Suppressions) EachTakingOver(ctx context.Context, each func(ledger.Entry) error) error {
	return s.eachEntry(ctx, terms{where: "#action = :rekeyed", values: item{":rekeyed": text(string(ledger.Rekeyed))}}, each)
}

// EntriesSince reads one page of the entries that were recorded at a time or later,
// strongly and in no order, after a place ("" for the first page). The ledger has no
// index by time: all pages together read the whole table.
func (s *Suppressions) EntriesSince(ctx context.Context, since time.Time, after string) (ledger.Page, error) {
	// A time with a fraction sorts before its whole second; both sort after the second
	// without an end.
	second := since.UTC().Format("2006-01-02T15:04:05")
	input := s.filtered(terms{where: "#recordedAt >= :second", values: item{":second": text(second)}})
	input.ConsistentRead = aws.Bool(true)
	if after != "" {
		key, version, _ := strings.Cut(after, " ")
		input.ExclusiveStartKey = item{names.AttrKey: text(key), names.AttrVersion: &types.AttributeValueMemberN{Value: version}}
	}
	out, err := s.db.Scan(ctx, input)
	if err != nil {
		return ledger.Page{}, fmt.Errorf("reading the whole ledger: %w", err)
	}
	var page ledger.Page
	for _, stored := range out.Items {
		entry, err := decodeEntry(stored)
		switch {
		case err != nil:
			page.Unreadable++
		case !entry.RecordedAt.Before(since):
			page.Entries = append(page.Entries, entry)
		}
	}
	if version, more := out.LastEvaluatedKey[names.AttrVersion].(*types.AttributeValueMemberN); more {
		page.Last = textOf(out.LastEvaluatedKey, names.AttrKey) + " " + version.Value
	}
	return page, nil
}

// filtered is a scan for the entries that meet a condition.
func (s *Suppressions) filtered(t terms) *dynamodb.ScanInput {
	return &dynamodb.ScanInput{
		TableName: &s.ledger, FilterExpression: &t.where, ExpressionAttributeNames: t.attributes(), ExpressionAttributeValues: t.values,
	}
}

func (s *Suppressions) eachEntry(ctx context.Context, filter terms, each func(ledger.Entry) error) error {
	for stored, err := range scan(ctx, s.db, s.filtered(filter), "reading the whole ledger") {
		if err != nil {
			return err
		}
		entry, err := decodeEntry(stored)
		if err != nil {
			return err
		}
		if err := each(entry); err != nil {
			return err
		}
	}
	return nil
}

// Replay reports whether the item of a key lacks a change that is in its
// history. With repair, Replay writes the marks of both. The error wraps
// ledger.ErrBroken if the history is broken or does not end as the item says,
// and ErrUnreadable if the item is unreadable; Replay then writes nothing.
func (s *Suppressions) Replay(ctx context.Context, key contact.Key, repair bool) (lacking bool, err error) {
	err = repeat(ctx, contended("bringing a suppression back"), func() (err error) {
		lacking, err = s.replayOnce(ctx, key, repair)
		return err
	})
	return lacking, err
}

func (s *Suppressions) replayOnce(ctx context.Context, key contact.Key, repair bool) (lacking bool, err error) {
	stored, err := s.Under(ctx, key) // before the history, which then includes every change of the item
	if err != nil || stored.MergedInto != "" {
		return false, err // a merged item never changes again
	}
	whole, err := s.rebuild(ctx, stored)
	if err != nil {
		return false, err
	}
	if lacking = stored.Version < whole.Version || !reflect.DeepEqual(whole.Marks, stored.Marks); !lacking || !repair {
		return lacking, nil
	}
	// Written without an entry: the ledger already has the changes.
	err = s.write(ctx, []types.TransactWriteItem{s.put(editionOf(stored), whole)})
	reasons, wasCancelled := cancelled(err)
	switch {
	case err == nil:
		return true, nil
	case wasCancelled && (failed(reasons[0], conditionFailed) || transient(reasons)):
		return true, errRaced
	}
	return true, fmt.Errorf("bringing a suppression back: %w", err)
}

// rebuild returns the item with every change of its history. A mark that only the
// item has stays: doubt means silence.
func (s *Suppressions) rebuild(ctx context.Context, stored suppression.Item) (suppression.Item, error) {
	history, err := s.wholeHistory(ctx, stored.Key)
	if err != nil {
		return suppression.Item{}, err
	}
	whole, err := suppression.Replay(history, func(key contact.Key) ([]ledger.Entry, error) { return s.wholeHistory(ctx, key) })
	switch {
	case err != nil:
		return whole, err
	case whole.Version < stored.Version || whole.Version == stored.Version && whole.Head != stored.Head:
		return whole, fmt.Errorf("%w: the last entry is not the entry that the suppression names", ledger.ErrBroken)
	}
	if stored.Version == 0 {
		return whole, nil
	}
	return suppression.Merge(whole, stored), nil
}

// wholeHistory is the verified history of a key.
func (s *Suppressions) wholeHistory(ctx context.Context, key contact.Key) ([]ledger.Entry, error) {
	entries, err := s.History(ctx, key)
	if err != nil || len(entries) == 0 {
		return entries, err
	}
	return entries, ledger.Verify(entries, entries[len(entries)-1].Hash())
}

// ReplayTakingOver reports whether an item lacks the MergedInto of a Rekeyed
// entry. With repair, ReplayTakingOver writes MergedInto. An item that changed
// after the entry is left alone: the next change of its contact merges it
// again.
func (s *Suppressions) ReplayTakingOver(ctx context.Context, e ledger.Entry, repair bool) (lacking bool, err error) {
	older, err := s.Under(ctx, e.Former)
	if err != nil {
		return false, err
	}
	lacking = older.MergedInto == "" && older.Head == e.FormerHead
	if !lacking || !repair {
		return lacking, nil
	}
	err = s.write(ctx, []types.TransactWriteItem{s.mergedIntoUpdate(older, e.Key)})
	if reasons, ok := cancelled(err); ok && failed(reasons[0], conditionFailed) {
		return true, nil // the item changed since it was read
	}
	if err != nil {
		return true, fmt.Errorf("bringing a suppression back: %w", err)
	}
	return true, nil
}
