package deployment_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/deployment"
	"stille/shared/operator"
)

// function answers every call, and remembers the last order.
type function struct{ answer, order string }

func (f *function) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.order = *in.FunctionName + " " + string(in.Payload)
	return &lambda.InvokeOutput{Payload: []byte(f.answer)}, nil
}

func TestPrimaryKeysComeWithTheDueCommand(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	f := &function{answer: `{"sets":[
		{"set":"contact","keys":[{"id":"00000001","created":"2024-11-20T00:00:00Z","ageDays":732},{"id":"00000002","created":"2025-11-21T00:00:00Z","primary":true,"ageDays":366}],
		 "next":"stille keys rotate contact","from":"2026-11-22T03:00:01Z"},
		{"set":"link-sms","keys":[{"id":"00000004","created":"2025-11-22T00:00:00Z","primary":true,"ageDays":365}],"next":"stille keys rotate link"}]}`}
	got, err := deployment.NewKeys(f, "stille").Primary(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	want := []operator.PrimaryKey{
		{Set: "contact", ID: "00000002", Created: time.Date(2025, 11, 21, 0, 0, 0, 0, time.UTC), Days: 366},
		{Set: "link-sms", ID: "00000004", Created: time.Date(2025, 11, 22, 0, 0, 0, 0, time.UTC), Days: 365, Next: "stille keys rotate link"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if f.order != `stille-list-keys {"list":true}` {
		t.Errorf("it ordered %s", f.order)
	}
}
