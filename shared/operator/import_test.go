package operator

import (
	"testing"
	"time"

	"stille/shared/suppression"
)

func TestADateCountsToItsEnd(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	im := Import{ImportSettings: ImportSettings{Zone: oslo}, Began: at}
	for since, want := range map[string]string{
		"2026-11-20":                "2026-11-20T22:59:59Z",
		"2026-06-20":                "2026-06-20T21:59:59Z",
		"2026-11-22":                "2026-11-22T03:00:00Z", // today, so far
		"2026-11-20T08:00:00+01:00": "2026-11-20T07:00:00Z",
		"":                          "2026-11-22T03:00:00Z",
	} {
		var c suppression.Change
		if err := im.readSince(&c, Row{Fields: map[string]string{"since": since}}); err != nil || c.At.Format(time.RFC3339) != want {
			t.Errorf("%q is %s, want %s, error %v", since, c.At.Format(time.RFC3339), want, err)
		}
	}
}
