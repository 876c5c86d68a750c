package main

import (
	"strings"
	"testing"

	"stille/shared/operator"
)

func TestQueuesAreListedAndRetried(t *testing.T) {
	m := inMemory(t)
	m.Queue = []operator.Queue{
		{Name: "feedback-dead", Dead: true, Messages: 2}, {Name: "feedback-queue", Messages: 1}, {Name: "purge-missed", Dead: true},
		{Name: "stamp-parked", Dead: true}, {Name: "waiting", Messages: 4}, {Name: "waiting-dead", Dead: true, Messages: 3},
		{Name: "hook-dead", Dead: true},
	}
	list := m.run(t, "queues", "list").ended(t, exitDone).out
	for _, says := range []string{
		"feedback-dead   2         -       stille queues retry feedback-dead\n", "feedback-queue  1         -       -\n",
		"purge-missed    0         -       stille purge run CLASS\n", "waiting-dead    3         -       stille queues retry waiting-dead\n",
	} {
		if !strings.Contains(list, says) {
			t.Errorf("it does not say %q:\n%s", says, list)
		}
	}
	for queue, says := range map[string]string{
		"waiting-dead": "moved: 3 messages from waiting-dead to waiting\n", "feedback-dead": "moved: 2 messages from feedback-dead to feedback-queue\n",
	} {
		if got := m.run(t, "queues", "retry", queue).ended(t, exitDone).out; !strings.HasPrefix(got, says) {
			t.Errorf("it says %q", got)
		}
	}
	if m.Queue[4].Messages != 7 || m.Queue[5].Messages != 0 {
		t.Errorf("the queues are %+v", m.Queue)
	}
	for queue, says := range map[string]string{
		"waiting": "retried without a command", "hook-dead": "`stille add CHANNEL ADDRESS`", "purge-missed": "`stille purge run CLASS`", "stamp-parked": "write the record", "none": "`stille queues list`",
	} {
		if got := m.run(t, "queues", "retry", queue).ended(t, exitUsage).errors; !strings.Contains(got, says) {
			t.Errorf("%s: it says %q", queue, got)
		}
	}
}
