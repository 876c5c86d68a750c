package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"stille/shared/aws/keyring"
	"stille/shared/feedback/hook"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/purge"
)

// textOf is an answer by its section of the texts.
func textOf(t *testing.T, section string, answer any) string {
	t.Helper()
	var out bytes.Buffer
	pointer := reflect.New(reflect.TypeOf(answer))
	pointer.Elem().Set(reflect.ValueOf(answer))
	if err := new(session).writeText(&out, section, pointer.Interface()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// answerTypes has an answer of each section that show is called with.
func answerTypes() map[string]any {
	return map[string]any{
		"add": &operator.Addition{}, "certificate get": &operator.Evidence{}, "certificate verify": &files.Verification{}, "check": &operator.Decision{},
		"doctor": &operator.Diagnosis{}, "drill restore": &operator.Drilled{}, "due": &operator.DueDay{}, "export": &operator.Exported{}, "history": &operator.Told{},
		"hold history": &operator.HoldHistory{}, "hold lift": &operator.Lifting{}, "hold list": &operator.HoldList{}, "hold restore": &operator.RestoredHolds{}, "hold set": &operator.HoldList{},
		"hook add": &operator.HookAddress{}, "hook list": &operator.HookList{}, "hook remove": &operator.HookState{}, "hook test": &operator.HookTest{}, "hook test unsigned": &operator.HookTest{},
		"import": &files.Imported{}, "keys change": &keyring.Answer{}, "keys list": &keyring.Listing{}, "mend": &purge.Mended{}, "normalise": &operator.Spelling{}, "policy check": &operator.PolicyCheck{},
		"proof": &operator.Proof{}, "purge approve": &operator.Approved{}, "purge plan": &operator.Plan{}, "purge run --at": &operator.Schedule{}, "purge show": &operator.RunList{},
		"purge show RUN": &operator.Run{}, "purge stop": &operator.Stop{}, "queues list": &operator.QueueList{}, "queues retry": &operator.QueueRetry{},
		"release": &operator.Released{}, "replay": &operator.Replay{}, "replay --events": &operator.SentEvents{}, "report": &written{}, "scrub": &files.Scrubbed{}, "sms-reply": &smsReplyAnswer{},
		"status": &operator.Status{}, "subject erase": &operator.Erased{}, "subject export": &operator.SubjectExport{}, "subject proof": &operator.ErasureProof{},
		"subject restrict": &operator.Restricted{}, "subject unrestrict": &operator.Unrestricted{}, "tool add": &operator.ToolKey{}, "tool list": &operator.ToolList{}, "tool revoke": &operator.Revocation{},
		"webhook add": &operator.WebhookSecret{}, "webhook list": &operator.WebhookList{}, "webhook remove": &operator.WebhookState{}, "webhook test": &operator.WebhookTrial{},
	}
}

// fill sets everything of a value that can be set.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	case reflect.String:
		v.SetString("text")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() && v.Field(i).Kind() != reflect.Interface {
				fill(v.Field(i))
			}
		}
	}
}

// takeEveryBranch puts both branches of every condition behind each other.
func takeEveryBranch(list *parse.ListNode) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			takeEveryBranch(n.List)
			takeEveryBranch(n.ElseList)
			nodes = append(nodes, n.List)
			if n.ElseList != nil {
				nodes = append(nodes, n.ElseList)
			}
			continue
		case *parse.RangeNode:
			takeEveryBranch(n.List)
			takeEveryBranch(n.ElseList)
		case *parse.WithNode:
			takeEveryBranch(n.List)
			takeEveryBranch(n.ElseList)
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}

func TestEveryAnswerHasAText(t *testing.T) {
	texts, err := new(session).answerTemplates()
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]bool{"": true, "columns": true, "records": true, "receipt": true} // of other sections
	for _, section := range texts.Templates() {
		if answerTypes()[section.Name()] == nil && !parts[section.Name()] {
			t.Errorf("no answer has the text %q", section.Name())
		}
		takeEveryBranch(section.Root)
	}
	for section, answer := range answerTypes() {
		fill(reflect.ValueOf(answer).Elem())
		var out bytes.Buffer
		if err := texts.ExecuteTemplate(&out, section, answer); err != nil || strings.Contains(out.String(), "<no value>") {
			t.Errorf("%v:\n%s", err, out.String())
		}
	}
}

func TestNoCellBreaksItsTable(t *testing.T) {
	failure := "502 \x1b[31mBad\nGateway\x1f"
	got := textOf(t, "webhook list", operator.WebhookList{Webhooks: []operator.WebhookState{{URL: "https://a.example/", Scope: "acme", AddedAt: at, Last: hook.Call{At: at, Failure: failure}}}})
	if lines := strings.Split(got, "\n"); len(lines) != 4 || !strings.HasSuffix(lines[2], "outcome 502  [31mBad Gateway") {
		t.Errorf("it shows %q", got)
	}
}

func TestAllShowsTheWholeList(t *testing.T) {
	m := inMemory(t)
	for n := range 30 {
		m.run(t, "hold", "set", "--case", fmt.Sprint("C-", n), "--reason", "claim", "--record", "messaging", "sub-1").ended(t, exitDone)
	}
	short, whole := m.run(t, "hold", "list").ended(t, exitDone).out, m.run(t, "hold", "list", "--all").ended(t, exitDone).out
	if !strings.HasPrefix(short, "30 holds in force, 0 lifted\n") || strings.Count(short, "\n") != screenLines+1 || !strings.HasSuffix(short, "8 more lines; --all shows them\n") {
		t.Errorf("it shows\n%s", short)
	}
	if strings.Count(whole, "C-") != 30 || !strings.HasPrefix(whole, strings.Join(strings.SplitAfter(short, "\n")[:screenLines], "")) {
		t.Errorf("with --all it shows\n%s", whole)
	}
	if all := answers[operator.HoldList](t, m.run(t, "hold", "list", "--json").ended(t, exitDone))[0]; len(all.Holds) != 30 {
		t.Errorf("in JSON there are %d holds", len(all.Holds))
	}
}

func TestTheFirstLineAnswers(t *testing.T) {
	m := inMemory(t)
	m.run(t, "hold", "set", "--case", "C-17", "--reason", "claim", "--record", "messaging", "sub-1").ended(t, exitDone)
	m.Queue = []operator.Queue{{Name: "drain", Messages: 7}, {Name: "stamp-parked", Messages: 2, Dead: true, URL: "https://sqs/1/stamp-parked"}}
	for args, want := range map[string]string{
		"status":                     "a message is in the dead-letter queue stamp-parked: RUNBOOK.md says what to do about it",
		"queues list":                "2 dead letters, 7 messages on the way",
		"hold list":                  "1 hold in force, 0 lifted",
		"hold history --case C-17":   "1 event of the case C-17",
		"purge show":                 "no purge ran yet; `stille purge run CLASS` starts one",
		"history email kari@x.no":    "the chain is verified; entries: 0",
		"proof messaging sub-1":      "unknown  messaging has no such record, and no certificate lists one",
		"check email kari@x.example": "send",
	} {
		got := m.run(t, strings.Fields(args)...).out
		if first, _, _ := strings.Cut(got, "\n"); first != want {
			t.Errorf("%s: the first line is %q", args, first)
		}
	}
}

func TestATerminalShowsVerdictsInColour(t *testing.T) {
	for colour, want := range map[bool]string{true: "\x1b[32msend\x1b[39m\n", false: "send\n"} {
		var out strings.Builder
		code := run(t.Context(), []string{"check", "email", "kari@example.no"}, session{stdout: &out, stderr: &out, colour: colour, opened: inMemory(t).stack()})
		if out.String() != want || code != exitDone {
			t.Errorf("it prints %q, want %q", out.String(), want)
		}
	}
}
