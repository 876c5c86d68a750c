package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	fake "stille/shared/sms/phone"
	"stille/shared/suppression"
)

const (
	stopped      = acme + ">" + kari + ": Acme: Du får ikke"
	started      = acme + ">" + kari + ": Acme: Du kan få"
	stillStopped = acme + ">" + kari + ": Acme: Reklame på SMS"
	helped       = acme + ">" + kari + ": Acme sender meldinger fra"
)

func TestRepliesChangeTheListAndAreAnswered(t *testing.T) {
	for _, c := range []struct {
		name, text, to string
		active, said   []string
	}{
		{"a word that opts out", "Stopp!", acme, []string{"stop in acme, from sms"}, []string{stopped}},
		{"a word that opts out among others", "please don't stop", acme, []string{"stop in acme, from sms-review"}, []string{stopped}},
		{"a word that asks", "Hjelp", acme, nil, []string{helped}},
		{"START without an opt-out", "START", acme, nil, []string{started}},
		{"yes, which answers some other question", "JA", acme, nil, []string{helped}},
		{"thanks", "Takk!", acme, nil, []string{helped}},
		{"thanks, to a number that is no brand's", "Takk!", "+4759449999", nil, nil},
		{"a brand that names no language", "STOP", globex, []string{"stop in globex, from sms"}, []string{globex + ">" + kari + ": Globex: You will get"}},
		{"a number that is no brand's", "STOP", "+4759449999", []string{"stop in *, from sms"}, nil},
		{"help from a number that is no brand's", "HELP", "+4759449999", nil, nil},
		{"a name where a number should be", "STOP", "Acme", []string{"stop in *, from sms"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			m := w.reply("1", c.text)
			m.to = c.to
			w.hear(t, m)
			if diff := cmp.Diff(append([]string{}, c.active...), w.active(t, kari)); diff != "" {
				t.Errorf("active (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, c.said...), w.said()); diff != "" {
				t.Errorf("said (-want +got)\n%s", diff)
			}
		})
	}
}

func TestARedeliveredReplyIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	w.hear(t, w.reply("1", "STOP"), w.reply("1", "STOP"))
	if diff := cmp.Diff([]string{"suppressed stop sms"}, w.entries()); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{stopped}, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}

// sends lists after how many minutes texts that are sent one after the other are
// answered.
func (w *world) sends(t *testing.T, texts map[int]string) []string {
	t.Helper()
	said := []string{}
	start := w.Now
	for _, minute := range slices.Sorted(maps.Keys(texts)) {
		w.Now = start.Add(time.Duration(minute) * time.Minute)
		before := len(w.said())
		m := w.reply(fmt.Sprint("at ", minute), texts[minute])
		m.at = w.Now
		w.hear(t, m, m)
		for _, line := range w.said()[before:] {
			said = append(said, fmt.Sprint(minute, " ", line))
		}
	}
	return said
}

func TestANumberGetsEachTextOnceAWhile(t *testing.T) {
	const day = 24 * 60
	at := func(minute int, line string) string { return fmt.Sprint(minute, " ", line) }
	for _, c := range []struct {
		name    string
		texts   map[int]string
		said    []string
		entries int
	}{
		{"three STOP within the hour", map[int]string{0: "STOP", 20: "STOP", 59: "STOP"}, []string{at(0, stopped)}, 1},
		{"a STOP after the hour", map[int]string{0: "STOP", 61: "STOP"}, []string{at(0, stopped), at(61, stopped)}, 2},
		{"five HELP within the hour", map[int]string{0: "HELP", 1: "HJELP", 2: "INFO", 30: "HELP", 59: "HELP"}, []string{at(0, helped)}, 0},
		{"a HELP after the hour", map[int]string{0: "HELP", 60: "HELP"}, []string{at(0, helped), at(60, helped)}, 0},
		{"a HELP and a STOP", map[int]string{0: "HELP", 1: "STOP"}, []string{at(0, helped), at(1, stopped)}, 1},
		{"three replies to nothing within a day", map[int]string{0: "Takk", 60: "Ja", day - 1: "ok"}, []string{at(0, helped)}, 0},
		{"replies to nothing for a month", map[int]string{0: "Takk", 30*day - 1: "Ja", 30 * day: "ok"}, []string{at(0, helped), at(30*day, helped)}, 0},
		{"a HELP soon after a reply to nothing", map[int]string{0: "Takk", 1: "HELP", 61: "HELP"}, []string{at(0, helped), at(61, helped)}, 0},
		{"a reply to nothing soon after a HELP", map[int]string{0: "HELP", 1: "Takk"}, []string{at(0, helped)}, 0},
		{"STOP, START, STOP", map[int]string{0: "STOP", 1: "START", 2: "STOP"}, []string{at(0, stopped), at(1, started)}, 3 + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if diff := cmp.Diff(c.said, w.sends(t, c.texts)); diff != "" || len(w.entries()) != c.entries {
				t.Errorf("%d entries; said (-want +got)\n%s", len(w.entries()), diff)
			}
			for id := range w.memory.until {
				if strings.Contains(id, kari[3:]) {
					t.Error("the memory holds the number")
				}
			}
		})
	}
}

func TestAShortCodeSilencesItsBrandAlone(t *testing.T) {
	w := newWorld(t)
	scopes, err := scope.Load([]byte(strings.Replace(string(scopetest.File()), `"+4759440000"`, `"2012"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	w.handler.scopes = scopes
	for n, step := range []struct {
		text   string
		active []string
	}{{"STOP", []string{"stop in acme, from sms"}}, {"START", []string{}}} {
		m := w.reply(step.text, step.text)
		m.to, m.at = "2012", m.at.Add(time.Duration(n)*time.Second)
		w.hear(t, m)
		if diff := cmp.Diff(step.active, w.active(t, kari)); diff != "" {
			t.Errorf("active after %s (-want +got)\n%s", step.text, diff)
		}
	}
	want := []string{strings.Replace(stopped, acme, "2012", 1), strings.Replace(started, acme, "2012", 1)}
	if diff := cmp.Diff(want, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}

func TestAReplyToNothingIsCountedOnce(t *testing.T) {
	w := newWorld(t)
	m := w.reply("1", "Takk")
	w.hear(t, m, m)
	if n := strings.Count(w.Logs.String(), `"UnmatchedReplies":1,"_aws":`); n != 1 {
		t.Errorf("counted %d times", n)
	}
}

func TestAReplyToNothingIsNotRetried(t *testing.T) {
	for name, fail := range map[string]func(*world){
		"no keys":   func(w *world) { w.KeysErr = errDown },
		"no memory": func(w *world) { w.memory.claimErr = errDown },
		"no text":   func(w *world) { w.phone.Refuse(fake.Refusal{Type: "ThrottlingException"}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			fail(w)
			w.hear(t, w.reply("1", "Takk"))
			if len(w.memory.until) > 0 || !strings.Contains(w.Logs.String(), "stays unanswered") {
				t.Errorf("%d claims stay, or the log says nothing", len(w.memory.until))
			}
		})
	}
}

func TestTimeDecidesInWhateverOrderRepliesCome(t *testing.T) {
	at := func(minute int, w *world, text string) message {
		m := w.reply(text+string(rune('0'+minute)), text)
		m.at = w.Now.Add(time.Duration(minute-10) * time.Minute)
		return m
	}
	for _, c := range []struct {
		name    string
		minutes [3]int // of STOP, START and STOP
		texts   [3]string
		silent  bool
	}{
		{"stop, start, stop", [3]int{1, 2, 3}, [3]string{"STOP", "START", "STOP"}, true},
		{"stop, stop, start", [3]int{1, 2, 3}, [3]string{"STOP", "STOP", "START"}, false},
		{"start, stop, start", [3]int{1, 2, 3}, [3]string{"START", "STOP", "START"}, false},
		{"start in the same instant as the last stop", [3]int{1, 3, 3}, [3]string{"STOP", "START", "STOP"}, true},
		{"start in the same instant as the first stop", [3]int{1, 1, 1}, [3]string{"START", "STOP", "START"}, true},
	} {
		for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			w := newWorld(t)
			for _, n := range order {
				w.hear(t, at(c.minutes[n], w, c.texts[n]))
			}
			if got := len(w.active(t, kari)) > 0; got != c.silent {
				t.Errorf("%s, in the order %v: silent %v, want %v", c.name, order, got, c.silent)
			}
		}
	}
}

func TestStartLiftsRepliesAndLinksInItsScope(t *testing.T) {
	before := func(in scope.Scope, r suppression.Reason, from suppression.Source) suppression.Change {
		return suppression.Change{Action: suppression.Suppress, Scope: in, Reason: r, Source: from}
	}
	for _, c := range []struct {
		name         string
		before       []suppression.Change
		active, said []string
	}{
		{"a reply", []suppression.Change{before("acme", suppression.Stop, "sms")}, nil, []string{started}},
		{"a link", []suppression.Change{before("acme", suppression.Unsubscribed, "link")}, nil, []string{started}},
		{"both", []suppression.Change{before("acme", suppression.Stop, "sms-review"), before("acme", suppression.Unsubscribed, "tool:crm")}, nil, []string{started}},
		{"an objection", []suppression.Change{before("acme", suppression.Objection, "operator")}, []string{"objection in acme, from operator"}, []string{stillStopped}},
		{"a complaint beside a reply", []suppression.Change{before("acme", suppression.Complaint, "tool:crm"), before("acme", suppression.Stop, "sms")},
			[]string{"complaint in acme, from tool:crm"}, []string{stillStopped}},
		{"a reply to every brand", []suppression.Change{before("*", suppression.Stop, "sms")}, []string{"stop in *, from sms"}, []string{stillStopped}},
		{"a reply to another brand", []suppression.Change{before("globex", suppression.Stop, "sms")}, []string{"stop in globex, from sms"}, []string{started}},
		{"a topic of the brand", []suppression.Change{before("acme/newsletter", suppression.Unsubscribed, "link")},
			[]string{"unsubscribed in acme/newsletter, from link"}, []string{started}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			key := w.Key(t, "sms", kari)
			for _, change := range c.before {
				change.At = w.Now.Add(-time.Hour)
				if _, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.SMS, Keys: []contact.Key{key}}, change, w.Now); err != nil {
					t.Fatal(err)
				}
			}
			w.hear(t, w.reply("1", "START"))
			if diff := cmp.Diff(append([]string{}, c.active...), w.active(t, kari)); diff != "" {
				t.Errorf("active (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.said, w.said()); diff != "" {
				t.Errorf("said (-want +got)\n%s", diff)
			}
		})
	}
}

// SNS stamps a redelivery with a new, later time.
func TestARedeliveryNeverEndsANewerSilence(t *testing.T) {
	for _, to := range []string{acme, "+4759449999"} {
		w := newWorld(t)
		for minute, m := range []message{w.reply("1", "START"), w.reply("2", "STOP"), w.reply("1", "START"), w.reply("2", "STOP")} {
			m.to, m.at = to, w.Now.Add(time.Duration(minute-10)*time.Minute)
			w.hear(t, m)
			if silent := len(w.active(t, kari)) == 1; silent != (minute > 0) {
				t.Errorf("to %s, after message %d: silent %v", to, minute, silent)
			}
		}
	}
}

func TestAStartWithoutAnIDLiftsNothing(t *testing.T) {
	w := newWorld(t)
	m := w.reply("1", "STOP")
	m.at = m.at.Add(-time.Minute)
	w.hear(t, m)
	if err := w.take(t.Context(), w.reply("", "START").inbox(t)); err == nil {
		t.Error("it did not fail")
	}
	if diff := cmp.Diff([]string{"stop in acme, from sms"}, w.active(t, kari)); diff != "" {
		t.Errorf("active (-want +got)\n%s", diff)
	}
}

func TestAnAnswerSaysWhatIsTrueByNow(t *testing.T) {
	w := newWorld(t)
	start, late := w.reply("2", "START"), w.reply("1", "STOP")
	late.at = start.at.Add(-time.Minute)
	w.hear(t, start, late)
	if diff := cmp.Diff([]string{started}, w.said()); diff != "" {
		t.Errorf("a STOP that START has overtaken is answered (-want +got)\n%s", diff)
	}
}

func TestAnAnsweringMachineIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	const machine = "I am on leave. Reply STOP to get no more of these."
	for n := range 3 {
		m := w.reply(string(rune('1'+n)), machine)
		m.at = w.Now.Add(time.Duration(n-10) * time.Minute)
		w.hear(t, m)
	}
	if diff := cmp.Diff([]string{stopped}, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}

func TestATimeAheadCountsAsNow(t *testing.T) {
	w := newWorld(t)
	m := w.reply("1", "STOP")
	m.at = w.Now.Add(time.Hour)
	w.hear(t, m)
	mark := w.list.Item(w.Key(t, "sms", kari)).Marks["acme"][suppression.Stop]
	if !mark.Last.Equal(w.Now) {
		t.Errorf("it stands since %v, want %v", mark.Last, w.Now)
	}
}

func TestSendersWithoutANumberAreIgnored(t *testing.T) {
	for _, from := range []string{"2022", "Kanari", "987 65 432", "+4798765432; +4798765432"} {
		w := newWorld(t)
		m := w.reply("1", "STOP "+apitest.Number)
		m.from = from
		w.hear(t, m)
		if len(w.list.Items()) != 0 || len(w.said()) != 0 || !strings.Contains(w.Logs.String(), "no phone number") {
			t.Errorf("%d contacts, %d texts; log %s", len(w.list.Items()), len(w.said()), w.Logs.String())
		}
		w.NoLeak(t, []string{from})
	}
}

func TestAMessageThatIsNoReplyFailsAlone(t *testing.T) {
	const envelope = `{"Type":"Notification","TopicArn":"arn","Timestamp":"2026-11-22T02:59:00Z","Message":`
	good := envelope + `"{\"originationNumber\":\"+4791234567\",\"destinationNumber\":\"+4759440000\",\"messageBody\":\"STOP\",\"inboundMessageId\":\"1\"}"}`
	for _, c := range []struct{ name, body, says string }{
		{"no JSON", envelope + `"STOP from 987 65 432"}`, errMalformed.Error()},
		{"no sender", envelope + `"{\"destinationNumber\":\"+4759440000\",\"messageBody\":\"STOP\"}"}`, errMalformed.Error()},
		{"no text", envelope + `"{\"originationNumber\":\"+4798765432\",\"destinationNumber\":\"+4759440000\"}"}`, errMalformed.Error()},
		{"an invalid text", envelope + `"{\"originationNumber\":\"+4798765432\",\"messageBody\":{}}"}`, errMalformed.Error()},
		{"no envelope", `{"originationNumber":"+4798765432","destinationNumber":"+4759440000","messageBody":"STOP","inboundMessageId":"2"}`, errTimeless.Error()},
		{"no time", `{"Type":"Notification","TopicArn":"arn","Message":"{\"originationNumber\":\"+4798765432\",\"messageBody\":\"STOP\"}"}`, errTimeless.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			failed := w.batch(t, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "bad", Body: c.body}, {MessageId: "good", Body: good}}})
			if diff := cmp.Diff([]string{"bad"}, failed); diff != "" || !strings.Contains(w.Logs.String(), c.says) {
				t.Errorf("failed (-want +got)\n%s\nlog %s", diff, w.Logs.String())
			}
			if diff := cmp.Diff([]string{stopped}, w.said()); diff != "" {
				t.Errorf("said (-want +got)\n%s", diff)
			}
			w.NoLeak(t, nil)
		})
	}
}

func TestEventsOfSMSReplyAreTaken(t *testing.T) {
	type done struct{ Active, Said, Failed []string }
	none := []string{}
	want := map[string]done{
		"sms-reply.stop.json":           {[]string{"stop in acme, from sms"}, []string{stopped}, none},
		"sms-reply.start.json":          {none, []string{started}, none},
		"sms-reply.help.json":           {none, []string{helped}, none},
		"sms-reply.review.json":         {[]string{"stop in acme, from sms-review"}, []string{stopped}, none},
		"sms-reply.yes.json":            {none, []string{helped}, none},
		"sms-reply.short-code.json":     {none, none, none},
		"sms-reply.foreign-number.json": {[]string{"stop in *, from sms"}, none, none},
		"sms-reply.batch.json":          {[]string{"stop in acme, from sms"}, []string{stopped, helped}, []string{"19dd0b57-b21e-4ac1-bd88-01bbb068cb01"}},
	}
	for _, name := range apitest.Events(t, "sms-reply") {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var batch events.SQSEvent
			w.Event(t, name, &batch)
			failed := w.batch(t, batch)
			if diff := cmp.Diff(want[name], done{w.active(t, kari), w.said(), failed}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}

func TestAddedFieldsDoNotChangeAReply(t *testing.T) {
	w := newWorld(t)
	m := w.reply("1", "Ja takk").inbox(t)
	// The keyword registered for the number is not the sender's text.
	m.Body = strings.Replace(m.Body, "KEYWORD_1", "STOP", 1)
	if err := w.take(t.Context(), sqsbatch.Message{ID: m.ID, Body: m.Body, At: m.At}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{helped}, w.said()); diff != "" || len(w.entries()) != 0 {
		t.Errorf("entries %v; said (-want +got)\n%s", w.entries(), diff)
	}
}
