package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestEventsOfPurgeAuditAreRead(t *testing.T) {
	first := purge.AuditWork{Class: "messaging", Run: "5d0c8a52-1f0b-4c35-9a63-0f6f7f0f3c20", Segment: 17, Of: 64}
	next := first
	next.Call, next.After = 1, "sub-81"
	want := map[string]purge.AuditWork{"purge-audit.first-call.json": first, "purge-audit.next-call.json": next}
	got := map[string]purge.AuditWork{}
	for _, name := range apitest.Events(t, "purge-audit") {
		var work purge.AuditWork
		apitest.New(t).Event(t, name, &work)
		got[name] = work
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnknownClassIsNotAudited(t *testing.T) {
	h := handler{policy: apitest.New(t).Policy}
	if _, err := h.audit(t.Context(), purge.AuditWork{Class: "marketing", Of: 1}); !errors.Is(err, retention.ErrUnknownClass) {
		t.Errorf("error %v", err)
	}
}
