//go:build store

package dynamo_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithy "github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Each of these changes is enough to keep the record.
func TestRecordWithChangedDecidingAttributeIsKept(t *testing.T) {
	earlier := retention.Sort(now)
	whole := map[string]any{
		names.AttrSubject: string(key(1)), names.AttrScope: "acme", names.AttrBasis: string(retention.Consent), names.AttrOccurredAt: earlier,
		names.AttrFirstAt: earlier, names.AttrRetentionStart: earlier, names.AttrStartAsOf: earlier, names.AttrWithdrawnAt: earlier,
		names.AttrFormerSubjects: []string{string(key(2))}, names.AttrObjects: []string{"s3://letters/1"}, names.AttrPurgingBy: "run-0",
	}
	changed := map[string]any{
		names.AttrSubject: string(key(3)), names.AttrScope: "acme/news", names.AttrBasis: string(retention.Customer), names.AttrOccurredAt: "?",
		names.AttrFirstAt: "?", names.AttrRetentionStart: "?", names.AttrStartAsOf: "?", names.AttrWithdrawnAt: "?",
		names.AttrFormerSubjects: []string{string(key(3))}, names.AttrObjects: []string{"s3://letters/2"}, names.AttrPurgingBy: "run-2",
	}
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	// put stores a record with some of the attributes.
	put := func(attributes map[string]any, chosen ...string) {
		t.Helper()
		item := map[string]any{names.AttrID: "sub-1", names.AttrData: "1"}
		for _, name := range chosen {
			item[name] = attributes[name]
		}
		dynamotest.Put(t, db, stack.Records(class), item)
	}
	// took returns the outcome for a record that changes between the read and
	// the deletion.
	took := func(meanwhile func()) purge.Deletion {
		t.Helper()
		read, unreadable, err := records.Load(t.Context(), class, []string{"sub-1"})
		if err != nil || len(read) != 1 {
			t.Fatalf("%d read, %v, error %v", len(read), unreadable, err)
		}
		meanwhile()
		done, err := deleter.DeleteUnderFence(t.Context(), page(0), []retention.Stored{read["sub-1"]})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	kept := purge.Deletion{Changed: []string{"sub-1"}}
	all := slices.Sorted(maps.Keys(whole))
	bare := []string{names.AttrRetentionStart, names.AttrSubject}
	plain := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == names.AttrObjects || name == names.AttrPurgingBy })
	for kind, chosen := range map[string][]string{"marked": all, "plain": plain, "bare": bare} {
		for _, name := range all {
			without := slices.DeleteFunc(slices.Clone(chosen), func(n string) bool { return n == name })
			put(whole, chosen...)
			other := took(func() {
				item := maps.Clone(whole)
				item[name] = changed[name]
				put(item, append(without, name)...)
			})
			if diff := cmp.Diff(kept, other); diff != "" {
				t.Errorf("%s, another %s (-want +got):\n%s", kind, name, diff)
			}
			if !slices.Contains(chosen, name) {
				continue
			}
			put(whole, chosen...)
			if diff := cmp.Diff(kept, took(func() { put(whole, without...) })); diff != "" {
				t.Errorf("%s, no %s any more (-want +got):\n%s", kind, name, diff)
			}
		}
		put(whole, chosen...)
		same := took(func() {})
		if len(same.Deleted)+len(same.Marked) != 1 {
			t.Errorf("%s, as it was: %+v", kind, same)
		}
	}
}

func TestDeletionIsDecidedOnStrongReads(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	reads := 0
	watched := dynamodb.New(db.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *smithy.Stack) error {
			return s.Initialize.Add(smithy.InitializeMiddlewareFunc("watch",
				func(ctx context.Context, in smithy.InitializeInput, next smithy.InitializeHandler) (smithy.InitializeOutput, smithy.Metadata, error) {
					strongly := false
					switch read := in.Parameters.(type) {
					case *dynamodb.GetItemInput:
						strongly = aws.ToBool(read.ConsistentRead)
					case *dynamodb.ScanInput:
						strongly = aws.ToBool(read.ConsistentRead)
					case *dynamodb.BatchGetItemInput:
						strongly = true
						for _, of := range read.RequestItems {
							strongly = strongly && aws.ToBool(of.ConsistentRead)
						}
					}
					if reads++; !strongly {
						t.Errorf("%T is not strong", in.Parameters)
					}
					return next.HandleInitialize(ctx, in)
				}), smithy.After)
		})
	})
	holds, records := dynamo.NewHolds(watched, stack), dynamo.NewRecords(watched, stack)
	_, err := holds.Fenced(t.Context(), "00")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := records.Load(t.Context(), class, []string{"sub-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := holds.Held(t.Context(), []retention.Target{retention.SubjectTarget(key(1))}); err != nil {
		t.Fatal(err)
	}
	if reads != 4 {
		t.Errorf("%d reads, want 4: the fence, the holds, the records, holds by their targets", reads)
	}
}
