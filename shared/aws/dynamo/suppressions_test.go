//go:build store

package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func key(n int) contact.Key { return contact.Key(fmt.Sprintf("%048d", n)) }

func optOut(at time.Time) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: at, Source: suppression.SourceOneClick}
}

func TestAFirstOptOutCostsOneRequest(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	var calls []string
	counted := dynamotest.Intercept(db, func(operation string) error {
		calls = append(calls, operation)
		return nil
	})
	if _, err := dynamo.NewSuppressions(counted, stack).Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}, optOut(now), now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"TransactWriteItems"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestChangeNeedsItsLedgerEntry(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	// The ledger takes no entry: an unreadable item stands in the entry's
	// place.
	dynamotest.Put(t, db, stack.Table(names.TableLedger), map[string]any{"key": string(key(1)), "version": 1, "recordedAt": "yesterday"})
	if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}, optOut(now), now); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("error %v, want ErrUnreadable", err)
	}
	if got, err := list.Get(t.Context(), []contact.Key{key(1)}); err != nil || got.Version != 0 {
		t.Errorf("the list was changed without its ledger: version %d, error %v", got.Version, err)
	}
}

func TestARestoredListTakesOptOuts(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("the contact was known then: %v", known), func(t *testing.T) {
			db, stack := dynamotest.Tables(t)
			list := dynamo.NewSuppressions(db, stack)
			apply := func(at time.Time) suppression.Outcome {
				t.Helper()
				outcome, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}, optOut(at), now)
				if err != nil {
					t.Fatal(err)
				}
				return outcome
			}
			table, of := aws.String(stack.Table(names.TableSuppressions)), map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: string(key(1))}}
			apply(now.Add(-6 * time.Hour))
			older, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: of})
			if err != nil {
				t.Fatal(err)
			}
			apply(now.Add(-3 * time.Hour))
			if known {
				_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: older.Item})
			} else {
				_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: of})
			}
			if err != nil {
				t.Fatal(err)
			}
			outcome := apply(now)
			if suppression.Decide(outcome.Item, suppression.Marketing, "acme").Send {
				t.Error("the opt-out was not taken")
			}
			history, err := list.History(t.Context(), key(1))
			if err != nil || len(history) != 3 {
				t.Fatalf("%d entries, error %v", len(history), err)
			}
			if err := ledger.Verify(history, outcome.Item.Head); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLedgerEntryNeedsItsChange(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	// Another writer changes the contact between the decision and the write.
	raced := false
	racing := dynamotest.Intercept(db, func(operation string) error {
		if operation != "TransactWriteItems" || raced {
			return nil
		}
		raced = true
		_, err := list.Apply(context.Background(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}, optOut(now.Add(-2*time.Hour)), now)
		return err
	})
	outcome, err := dynamo.NewSuppressions(racing, stack).Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}, optOut(now), now)
	if err != nil || outcome.Effect != suppression.Renewed {
		t.Fatalf("effect %q, error %v", outcome.Effect, err)
	}
	history, err := list.History(t.Context(), key(1))
	if err != nil || len(history) != 2 {
		t.Fatalf("%d entries, error %v", len(history), err)
	}
	if err := ledger.Verify(history, outcome.Item.Head); err != nil {
		t.Error(err)
	}
}

// Many clicks on one link at once: after a conflict, a read shows that another
// click was stored, and nothing is written again.
func TestAConflictIsReadBeforeAnotherWrite(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	who := contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}
	var calls []string
	conflict := aws.String("TransactionConflict")
	racing := dynamotest.Intercept(db, func(operation string) error {
		calls = append(calls, operation)
		if len(calls) > 1 {
			return nil
		}
		if _, err := dynamo.NewSuppressions(db, stack).Apply(context.Background(), who, optOut(now), now); err != nil {
			return err
		}
		return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: conflict}, {Code: conflict}}}
	})
	outcome, err := dynamo.NewSuppressions(racing, stack).Apply(t.Context(), who, optOut(now.Add(time.Second)), now.Add(time.Second))
	if err != nil || outcome.Effect != suppression.NoEffect {
		t.Errorf("effect %q, error %v", outcome.Effect, err)
	}
	if diff := cmp.Diff([]string{"TransactWriteItems", "GetItem"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A mark comes back from the table with every word.
func TestWordsOfAMarkSurviveTheTable(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list, who := dynamo.NewSuppressions(db, stack), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(1)}}
	told, undo := optOut(now.Add(-4*time.Hour)), optOut(now.Add(-2*time.Hour))
	told.Source, undo.Action = "tool:crm", suppression.Undo
	for _, c := range []suppression.Change{optOut(now.Add(-3 * time.Hour)), undo, told} {
		outcome, err := list.Apply(t.Context(), who, c, now)
		if err != nil {
			t.Fatal(err)
		}
		read, err := list.Get(t.Context(), who.Keys)
		if diff := cmp.Diff(outcome.Item, read); diff != "" || err != nil {
			t.Errorf("error %v; item (-written +read):\n%s", err, diff)
		}
	}
	read, err := list.Get(t.Context(), who.Keys)
	if m := read.Marks["acme"][suppression.Unsubscribed]; err != nil || !m.Active() || !m.First.Equal(told.At) || len(m.Words) != 3 {
		t.Errorf("error %v, mark %+v", err, m)
	}
	history, err := list.History(t.Context(), key(1))
	if err != nil || len(history) != 3 || ledger.Verify(history, read.Head) != nil {
		t.Errorf("%d entries, error %v", len(history), err)
	}
	if lacking, err := list.Replay(t.Context(), key(1), false); lacking || err != nil {
		t.Errorf("a replay finds something lacking: %v, error %v", lacking, err)
	}
}

func TestUnreadableItemIsReported(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := &types.AttributeValueMemberN{Value: "1"}
	mark := func(m map[string]types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"acme": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"stop": &types.AttributeValueMemberM{Value: m}}},
		}}
	}
	whole := mark(map[string]types.AttributeValue{"last": text("2026-11-20T08:00:00Z")})
	word := func(w types.AttributeValue) types.AttributeValue {
		return mark(map[string]types.AttributeValue{
			"last": text("2026-11-20T08:00:00Z"), "words": &types.AttributeValueMemberL{Value: []types.AttributeValue{w}},
		})
	}
	for name, broken := range map[string]map[string]types.AttributeValue{
		"of a newer version": {"version": number, "head": text("h"), "marks": whole, "newer": text("1")},
		"a mark of a newer version": {"version": number, "head": text("h"), "marks": mark(map[string]types.AttributeValue{
			"last": text("2026-11-20T08:00:00Z"), "newer": text("1"),
		})},
		"a word of a newer version": {"version": number, "head": text("h"), "marks": word(&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"at": text("2026-11-20T08:00:00Z"), "newer": text("1"),
		}})},
		"a word that is a text": {"version": number, "head": text("h"), "marks": word(text("stop"))},
		"a word without time":   {"version": number, "head": text("h"), "marks": word(&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"source": text("link")}})},
		"marks of a scope that are no map": {"version": number, "head": text("h"), "marks": &types.AttributeValueMemberM{
			Value: map[string]types.AttributeValue{"acme": text("stop")},
		}},
		"a mark that is a text": {"version": number, "head": text("h"), "marks": &types.AttributeValueMemberM{
			Value: map[string]types.AttributeValue{"acme": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"stop": text("now")}}},
		}},
		"a former key that is no text": {"version": number, "head": text("h"), "marks": whole, "former": &types.AttributeValueMemberL{Value: []types.AttributeValue{number}}},
		"without marks":                {"version": number, "head": text("h")},
		"without version":              {"head": text("h"), "marks": mark(nil)},
		"without head":                 {"version": number, "marks": mark(nil)},
		"marks of another type":        {"version": number, "head": text("h"), "marks": text("stop")},
		"an invalid time":              {"version": number, "head": text("h"), "marks": mark(map[string]types.AttributeValue{"last": text("yesterday")})},
		"a mark without time":          {"version": number, "head": text("h"), "marks": mark(map[string]types.AttributeValue{"source": text("link")})},
	} {
		t.Run(name, func(t *testing.T) {
			broken["key"] = text(string(key(7)))
			if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Table(names.TableSuppressions)), Item: broken}); err != nil {
				t.Fatal(err)
			}
			for _, contacts := range [][][]contact.Key{{{key(7)}}, {{key(7)}, {key(8)}}} {
				found, err := list.Lookup(t.Context(), contacts)
				if err != nil || !errors.Is(found[0].Err, dynamo.ErrUnreadable) {
					t.Errorf("among %d: error %v, found %v, want ErrUnreadable", len(contacts), err, found[0].Err)
				}
			}
		})
	}
}

func TestFailedLookupAnswersForNoContact(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	down := errors.New("the table is down")
	failing := dynamo.NewSuppressions(dynamotest.Intercept(db, func(string) error { return down }), stack)
	for _, contacts := range [][][]contact.Key{{{key(1)}}, {{key(1)}, {key(2)}}} {
		if found, err := failing.Lookup(t.Context(), contacts); !errors.Is(err, down) || found != nil {
			t.Errorf("of %d: found %v, error %v", len(contacts), found, err)
		}
	}
}
