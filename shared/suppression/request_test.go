package suppression_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/suppression"
)

func TestAWaveNamesEachContactOnce(t *testing.T) {
	var requests []suppression.Request
	for _, key := range []contact.Key{"a", "b", "a", "c", "a", "b"} {
		requests = append(requests, suppression.Request{Who: contact.Known{Keys: []contact.Key{key}}})
	}
	want := [][]int{{0, 1, 3}, {2, 5}, {4}}
	if diff := cmp.Diff(want, suppression.Waves(requests)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
