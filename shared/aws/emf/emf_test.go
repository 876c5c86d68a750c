package emf_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/emf"
)

func TestNumberIsEmbeddedAsCloudWatchReadsIt(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	log.Info("delivered", "channel", "email", "ClickToDelivered", 12, emf.Timed(at, "channel", "ClickToDelivered"))
	if timed := `{"Name":"ClickToDelivered","Unit":"Milliseconds"}`; !bytes.Contains(out.Bytes(), []byte(timed)) {
		t.Errorf("no time in %s", out.String())
	}
	out.Reset()
	log.Info("overdue", "class", "messaging", "OverdueRecords", 3, emf.Embedded(at, "class", "OverdueRecords"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "overdue", "class": "messaging", "OverdueRecords": 3.0,
		"_aws": map[string]any{
			"Timestamp": 1795316400000.0,
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "stille", "Dimensions": []any{[]any{"stackName", "class"}},
				"Metrics": []any{map[string]any{"Name": "OverdueRecords", "Unit": "Count"}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
