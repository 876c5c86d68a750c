package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/suppression"
)

func TestLongListKeepsItsOrder(t *testing.T) {
	stack := operatortest.New(t)
	o := stack.Operator(time.Now)
	const lines = 2*scrubsAtOnce*scrubAtOnce + scrubAtOnce + 1
	silent := map[int]bool{0: true, scrubAtOnce: true, scrubAtOnce*scrubsAtOnce - 1: true, lines - 1: true}
	list, clean, suppressed := []string{"email,name"}, []string{"email,name"}, []string{"reason,email,name"}
	for n := range lines {
		line := fmt.Sprintf("p%d@list.example,Kari %d", n, n)
		list = append(list, line)
		if silent[n] {
			who := operator.Person{Channel: "email", Address: fmt.Sprintf("p%d@list.example", n)}
			if _, err := o.Add(t.Context(), who, "acme", suppression.Manual, nil, ""); err != nil {
				t.Fatal(err)
			}
			suppressed = append(suppressed, "manual,"+line)
		} else {
			clean = append(clean, line)
		}
	}
	text := func(lines []string) string { return strings.Join(lines, "\n") + "\n" }
	name := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(name, []byte(text(list)), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := o.Scrub(t.Context(), "acme", operator.Scrub{Purpose: suppression.Marketing})
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	scrubbed, err := Scrub(t.Context(), name, rules, operator.ColumnFlags{}, time.Now(), func(done, _ int) { shown = done })
	if err != nil || scrubbed.Lines != lines || scrubbed.Suppressed != len(silent) || shown != lines {
		t.Fatalf("%+v, shown %d, error %v", scrubbed, shown, err)
	}
	for file, want := range map[string][]string{"list.clean.csv": clean, "list.suppressed.csv": suppressed} {
		got, err := os.ReadFile(filepath.Join(filepath.Dir(name), file))
		if err != nil || string(got) != text(want) {
			t.Errorf("%s has not the lines of the list in their order, error %v", file, err)
		}
	}
}
