package main

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/api/apitest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// change is the stream event of a record that was changed, or deleted (after is nil).
func (w *world) change(class string, before, after map[string]string) events.DynamoDBEvent {
	image := func(of map[string]string) map[string]events.DynamoDBAttributeValue {
		if of == nil {
			return nil
		}
		image := map[string]events.DynamoDBAttributeValue{}
		for name, value := range of {
			image[name] = events.NewStringAttribute(value)
		}
		return image
	}
	record := events.DynamoDBEventRecord{
		EventName: string(events.DynamoDBOperationTypeModify), EventID: "event-1",
		EventSourceArn: "arn:aws:dynamodb:eu-north-1:123456789012:table/" + w.stack.Records(class) + "/stream/2026",
		Change: events.DynamoDBStreamRecord{
			OldImage: image(before), NewImage: image(after), Keys: map[string]events.DynamoDBAttributeValue{"id": events.NewStringAttribute(before["id"])},
		},
	}
	if after == nil {
		record.EventName = string(events.DynamoDBOperationTypeRemove)
	}
	return events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record}}
}

func TestRewritingOfHeldRecordIsAlarmed(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string // of one attribute; an empty value removes it
		gone   bool
		before map[string]string
		alarm  bool
	}{
		"another contact":         {change: map[string]string{names.AttrSubject: "somebody"}, alarm: true},
		"other keys of a contact": {change: map[string]string{names.AttrFormerSubjects: "somebody"}, alarm: true},
		"another scope":           {change: map[string]string{names.AttrScope: "globex"}, alarm: true},
		"other data":              {change: map[string]string{names.AttrData: "{}"}, alarm: true},
		"an attribute of theirs":  {change: map[string]string{"invoice": "17"}, alarm: true},
		"another start":           {change: map[string]string{names.AttrRetentionStart: "2025-11-20T08:00:00Z"}, alarm: true},
		"no start":                {change: map[string]string{names.AttrRetentionStart: ""}, alarm: true},
		"unreadable":              {change: map[string]string{names.AttrOccurredAt: "soon"}, alarm: true},
		"deleted":                 {gone: true, alarm: true},
		"deleted by its purge":    {gone: true, before: map[string]string{names.AttrPurgingBy: "run-1"}},
		"its place":               {change: map[string]string{names.AttrRetentionSort: "2024-11-20T08:00:00Z", names.AttrRetentionShard: "01"}},
		"a withdrawal":            {change: map[string]string{names.AttrWithdrawnAt: "2025-11-20T08:00:00Z"}},
		"the mark of a purge":     {change: map[string]string{names.AttrPurgingBy: "run-1"}},
		"a missing start":         {before: map[string]string{names.AttrRetentionStart: ""}, change: map[string]string{names.AttrRetentionStart: "2025-11-20T08:00:00Z", names.AttrStartAsOf: "2025-11-20T08:00:00Z"}},
		"a record of another id":  {change: map[string]string{names.AttrData: "{}"}, before: map[string]string{"id": "other", names.AttrSubject: "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			hold := retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget(w.key), SetAt: w.Now}
			if _, err := w.stores.Holds.Set(t.Context(), []string{retention.Messaging}, []retention.Hold{hold}); err != nil {
				t.Fatal(err)
			}
			edit := func(of, by map[string]string) map[string]string {
				edited := maps.Clone(of)
				for name, value := range by {
					if edited[name] = value; value == "" {
						delete(edited, name)
					}
				}
				return edited
			}
			before := edit(w.consent(map[string]string{names.AttrData: `{"to":"` + "kanari.fugl@example.no" + `"}`}), c.before)
			after := edit(before, c.change)
			if c.gone {
				after = nil
			}
			if err := apitest.Deliver(t, w.handler().handle, w.change(retention.Messaging, before, after)); err != nil {
				t.Fatal(err)
			}
			alarmed := false
			for _, parked := range w.parked {
				if parked.Reason == purge.ErrRewritten.Error() {
					alarmed = strings.Contains(string(parked.Image), "kanari.fugl@example.no")
				} else if len(parked.Image) > 0 {
					t.Errorf("parked with its image: %s", parked.Reason)
				}
			}
			if alarmed != c.alarm {
				t.Errorf("alarmed with the old image: %v, parked %d", alarmed, len(w.parked))
			}
		})
	}
}

func TestHoldsThatCannotBeReadBringBatchAgain(t *testing.T) {
	w := newWorld(t)
	down := w.stores.Intercept(func(operation string) error {
		if operation == "BatchGetItem" {
			return errDown
		}
		return nil
	})
	h := w.handler()
	h.stamper.Holds = down.Holds
	before := w.consent(nil)
	after := maps.Clone(before)
	after[names.AttrData] = "{}"
	if err := apitest.Deliver(t, h.handle, w.change(retention.Messaging, before, after)); !errors.Is(err, apitest.ErrRetried) || len(w.parked) > 0 {
		t.Errorf("error %v, parked %v", err, w.parked)
	}
}
