package main

import (
	"encoding/json"
	"time"
)

// input is what an execution was started with. An unreadable field counts as
// absent and an unknown field is ignored: a schedule's typo must not keep data
// alive.
type input struct {
	scheduledFor time.Time // zero where no schedule started it
	startedBy    string    // the principal, where the CLI started it
	approved     string    // the hash of the plan whose approval started it
}

func readInput(raw json.RawMessage) input {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return input{}
	}
	text := func(name string) string {
		var value string
		if json.Unmarshal(fields[name], &value) != nil {
			return ""
		}
		return value
	}
	in := input{startedBy: text("startedBy"), approved: text("approved")}
	if at, err := time.Parse(time.RFC3339, text("scheduledTime")); err == nil {
		in.scheduledFor = at.UTC()
	}
	return in
}
