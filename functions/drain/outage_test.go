package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// fifo is the outage queue as SQS keeps it: what fails is hidden for half a minute,
// and a message that is received a thousand times becomes a dead letter.
type fifo struct {
	waits []*message
	dead  int
	ids   int
}

type message struct {
	id, body string
	receives int
	hidden   time.Time // until then
}

const (
	hiddenFor    = 30 * time.Second
	mostReceived = 1000
)

func (q *fifo) Put(_ context.Context, o outage.OptOut) error {
	body, err := json.Marshal(o)
	q.ids++
	q.waits = append(q.waits, &message{id: fmt.Sprint(q.ids), body: string(body)})
	return err
}

// deliver gives the handler batches until nothing more is visible.
func (q *fifo) deliver(t *testing.T, over handler, now time.Time) {
	t.Helper()
	for {
		var batch []events.SQSMessage
		for _, m := range q.waits {
			if len(batch) < 10 && !m.hidden.After(now) {
				m.receives++
				m.hidden = now.Add(hiddenFor)
				batch = append(batch, events.SQSMessage{MessageId: m.id, Body: m.body, Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives)}})
			}
		}
		if len(batch) == 0 {
			return
		}
		again := drained(t, over, batch...)
		q.waits = slices.DeleteFunc(q.waits, func(m *message) bool {
			inBatch := slices.ContainsFunc(batch, func(b events.SQSMessage) bool { return b.MessageId == m.id })
			isDead := inBatch && m.receives >= mostReceived
			if isDead {
				q.dead++
			}
			return isDead || inBatch && !slices.Contains(again, m.id)
		})
	}
}

// The store is away for hours or days, while people say no at every door; and some
// events arrive late.
func TestEveryNoIsCarriedOutOnceInOrder(t *testing.T) {
	type event struct {
		channel     contact.Channel
		address     string
		after, late time.Duration // after the start of the outage, and how much later it arrives
		in          scope.Scope
		reason      suppression.Reason
		source      suppression.Source
	}
	told := []event{
		{channel: contact.Email, address: "kari@example.no", after: time.Hour, in: "acme", reason: suppression.Unsubscribed, source: suppression.SourceOneClick},
		{channel: contact.Email, address: "kari@example.no", after: 30 * time.Minute, late: time.Hour, in: "acme", reason: suppression.Complaint, source: suppression.SourceSESComplaint},
		{channel: contact.SMS, address: "+4791234567", after: 2 * time.Hour, in: "acme", reason: suppression.Stop, source: suppression.SourceSMS},
		{channel: contact.SMS, address: "+4791234567", after: 2 * time.Hour, late: time.Hour, in: "acme", reason: suppression.Stop, source: suppression.SourceSMS}, // a redelivery
		{channel: contact.Email, address: "ola@example.com", after: 3 * time.Hour, in: "*", reason: suppression.HardBounce, source: suppression.SourceSESBounce},
		{channel: contact.Email, address: "per@example.com", after: 5 * time.Hour, in: "acme/newsletter", reason: suppression.Unsubscribed, source: suppression.SourceLink},
		{channel: contact.Email, address: "per@example.com", after: 2 * time.Hour, late: 200 * time.Minute, in: "acme/newsletter", reason: suppression.Unsubscribed, source: suppression.SourceLink},
	}
	for _, away := range []time.Duration{6 * time.Hour, 48 * time.Hour} {
		t.Run(away.String(), func(t *testing.T) {
			h, list, queue := apitest.New(t), &suppressiontest.List{}, &fifo{}
			over := handler{keys: h, apply: list.Apply, queue: queue, log: h.Log, now: func() time.Time { return h.Now }}
			doors := h.Store(list)
			doors.Queue = queue
			list.Fail(errDown)
			for minute := range int(away/time.Minute) + 5 {
				h.Now = sunday.Add(time.Duration(minute) * time.Minute)
				if h.Now.Sub(sunday) == away {
					list.Fail(nil)
				}
				for _, e := range told {
					if e.after+e.late == h.Now.Sub(sunday) {
						who, err := contact.Normalise(e.channel, e.address, "")
						if err != nil {
							t.Fatal(err)
						}
						c := suppression.Change{Action: suppression.Suppress, Scope: e.in, Reason: e.reason, At: sunday.Add(e.after), Source: e.source}
						_, _, _ = doors.Apply(t.Context(), who, c, h.Now) // it waits
					}
				}
				for range 2 { // in the minute
					queue.deliver(t, over, h.Now)
					h.Now = h.Now.Add(hiddenFor)
				}
			}
			got := map[string][]string{}
			for _, e := range list.Entries() {
				at := fmt.Sprintf("%s %s in %s at %s", e.Action, e.Reason, e.Scope, e.At.Sub(sunday))
				got[e.Key.Short()] = append(got[e.Key.Short()], at)
			}
			want := map[string][]string{
				h.Key(t, contact.Email, "kari@example.no").Short(): {"suppressed complaint in acme at 30m0s", "suppressed unsubscribed in acme at 1h0m0s"},
				h.Key(t, contact.SMS, "+4791234567").Short():       {"suppressed stop in acme at 2h0m0s"},
				h.Key(t, contact.Email, "ola@example.com").Short(): {"suppressed hard-bounce in * at 3h0m0s"},
				h.Key(t, contact.Email, "per@example.com").Short(): {
					"suppressed unsubscribed in acme/newsletter at 2h0m0s", "suppressed unsubscribed in acme/newsletter at 5h0m0s",
				},
			}
			if diff := cmp.Diff(want, got); diff != "" || len(queue.waits) > 0 || queue.dead > 0 {
				t.Errorf("%d wait, %d dead letters; entries (-want +got):\n%s", len(queue.waits), queue.dead, diff)
			}
			h.NoLeak(t, []string{"kari@", "ola@", "per@", "91234567"})
		})
	}
}

// secrets is Secrets Manager, which can be away.
type secrets struct {
	*apitest.House
	err error
}

func (s *secrets) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.House.GetSecretValue(ctx, in, opts...)
}

// Canaries are those of the table.
func (s *secrets) Canaries(context.Context) (map[string]string, error) { return s.Contacts.Canaries() }

// While containers start that can read no key, people use genuine links, and others
// invent links. Half of the people clicked twice.
func TestLinksThatNoKeyOpensAreCarriedOut(t *testing.T) {
	h, list, queue := apitest.New(t), &suppressiontest.List{}, &fifo{}
	h.Now = sunday
	away := &secrets{House: h, err: errDown}
	now := func() time.Time { return h.Now }
	container := func() unsubscribe.Links {
		return unsubscribe.Links{Keys: keyring.NewRing(away, "stille", away, now), Scopes: h.Scopes}
	}
	written, err := pages.New()
	if err != nil {
		t.Fatal(err)
	}
	click := func(path string) {
		t.Helper()
		links := container()
		store := h.Store(list)
		store.Keys, store.Queue = links.Keys.(outage.Keys), queue
		door := unsubscribe.Handler{Links: links, Channel: contact.Email, List: list, Store: store, Pages: written, Log: h.Log, Now: now, Zone: time.UTC}
		req := gateway.Request{RawPath: path, Body: "List-Unsubscribe=One-Click", Headers: map[string]string{"content-type": "application/x-www-form-urlencoded"}}
		req.RequestContext.HTTP.Method = "POST"
		if resp, err := door.Serve(t.Context(), req); err != nil || resp.StatusCode != 503 || !strings.HasPrefix(resp.Body, "Not stored yet.") {
			t.Fatalf("status %d, error %v", resp.StatusCode, err)
		}
	}
	drainLinks := container()
	over := handler{keys: drainLinks.Keys.(contact.KeySource), links: drainLinks, apply: list.Apply, queue: queue, log: h.Log, now: now}
	foreign, want := apitest.New(t), map[string]time.Duration{}
	const outageMinutes = 6 * 60
	for minute := range outageMinutes + 5 {
		h.Now = sunday.Add(time.Duration(minute) * time.Minute)
		switch {
		case minute == outageMinutes:
			away.err = nil
		case minute < outageMinutes && minute%20 == 0:
			for ch, address := range map[contact.Channel]string{contact.Email: fmt.Sprintf("kari.%d@example.no", minute), contact.SMS: fmt.Sprintf("+4791234%03d", minute)} {
				click(link.Path(ch, h.Token(t, ch, address)))
				if minute%40 == 0 {
					click(link.Path(ch, h.Token(t, ch, address)))
				}
				click(link.Path(ch, foreign.Token(t, ch, address)))
				want[h.Key(t, ch, address).Short()] = h.Now.Sub(sunday)
			}
		}
		for range 2 { // in the minute
			queue.deliver(t, over, h.Now)
			h.Now = h.Now.Add(hiddenFor)
		}
	}
	got := map[string]time.Duration{}
	for _, e := range list.Entries() {
		if e.Source == string(suppression.SourceOneClick) {
			got[e.Key.Short()] = e.At.Sub(sunday)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(list.Entries()) != len(want) || len(queue.waits) > 0 || queue.dead > 0 {
		t.Errorf("%d entries, %d wait, %d dead letters; silent since (-want +got):\n%s", len(list.Entries()), len(queue.waits), queue.dead, diff)
	}
	h.NoLeak(t, []string{"kari.", "+4791234"})
}

// A genuine link of a scope that an older scopes.yaml lacks waits for the newer one.
func TestLinkOfAnUnlistedScopeWaits(t *testing.T) {
	h, list := apitest.New(t), newList()
	over := newHandler(h, list)
	listed := over.links.Scopes
	over.links.Scopes = &scope.Registry{}
	token := h.Token(t, contact.Email, "kari@example.no")
	body, err := json.Marshal(outage.OptOut{
		Link: &outage.Link{Token: token, Action: pages.Unsubscribe}, Channel: contact.Email, Reason: suppression.Unsubscribed, Source: suppression.SourceLink, At: sunday,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := events.SQSMessage{MessageId: "link", Body: string(body), Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(mostReceives + 1)}}
	if again := drained(t, over, m); len(again) > 0 || len(h.Queue.Waits()) != 1 {
		t.Errorf("%v come again, %d are queued again", again, len(h.Queue.Waits()))
	}
	over.links.Scopes = listed
	m.Attributes = nil
	if again := drained(t, over, m); len(again) > 0 {
		t.Error("it comes again")
	}
	item := list.Item(h.Key(t, contact.Email, "kari@example.no"))
	if d := suppression.Decide(item, suppression.Marketing, "acme"); d.Send || !d.Since.Equal(sunday) {
		t.Errorf("decision %+v", d)
	}
	h.NoLeak(t, []string{token, "kari@"})
}

// Link keys that cannot be read take the time of links alone.
func TestLinksAreOpenedLast(t *testing.T) {
	h, list := apitest.New(t), newList()
	over := newHandler(h, list)
	body, err := json.Marshal(outage.OptOut{
		Link: &outage.Link{Token: h.Token(t, contact.Email, "kari@example.no"), Action: pages.Unsubscribe}, Channel: contact.Email,
		Reason: suppression.Unsubscribed, Source: suppression.SourceLink, At: sunday,
	})
	if err != nil {
		t.Fatal(err)
	}
	ola, kari := h.Key(t, contact.Email, "ola@example.no"), h.Key(t, contact.Email, "kari@example.no")
	for _, batch := range [][]events.SQSMessage{
		{waits(t, "ola", ola, time.Minute), {MessageId: "link", Body: string(body)}},
		{{MessageId: "link", Body: string(body)}, waits(t, "ola", ola, time.Minute)},
	} {
		list.applied = nil
		drained(t, over, batch...)
		if diff := cmp.Diff([]string{ola.Short() + " 03:01:00", kari.Short() + " 03:00:00"}, list.applied); diff != "" {
			t.Errorf("carried out (-want +got):\n%s", diff)
		}
	}
}

// A message that can never be carried out becomes a dead letter, where an operator
// sees it.
func TestMessageOfUnknownKeysBecomesADeadLetter(t *testing.T) {
	h, queue := apitest.New(t), &fifo{}
	over := handler{keys: h, apply: (&suppressiontest.List{}).Apply, queue: queue, log: h.Log, now: func() time.Time { return h.Now }}
	foreign := apitest.New(t).Key(t, contact.Email, "kari@example.no")
	if err := queue.Put(t.Context(), outage.OptOut{
		Keys: []contact.Key{foreign}, Channel: contact.Email, Scope: "acme", Reason: suppression.Unsubscribed, Source: suppression.SourceLink, At: sunday,
	}); err != nil {
		t.Fatal(err)
	}
	for range mostReceived {
		queue.deliver(t, over, h.Now)
		h.Now = h.Now.Add(hiddenFor)
	}
	if queue.dead != 1 || len(queue.waits) != 0 {
		t.Errorf("%d dead letters, %d wait", queue.dead, len(queue.waits))
	}
}

// The person took the click back before the list took the click.
func TestAQueuedClickDoesNotOutliveItsUndo(t *testing.T) {
	h, list, queue := apitest.New(t), &suppressiontest.List{}, &fifo{}
	over := handler{keys: h, apply: list.Apply, queue: queue, log: h.Log, now: func() time.Time { return h.Now }}
	c := suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: sunday.Add(time.Minute), Source: suppression.SourceLink}
	kari := contact.Known{Channel: contact.Email, Keys: []contact.Key{h.Key(t, contact.Email, "kari@example.no")}}
	if _, err := list.Apply(t.Context(), kari, c, c.At); err != nil {
		t.Fatal(err)
	}
	c.Action, c.At = suppression.Suppress, sunday
	if err := queue.Put(t.Context(), outage.Of(kari, c)); err != nil {
		t.Fatal(err)
	}
	h.Now = sunday.Add(time.Hour)
	queue.deliver(t, over, h.Now)
	if d := suppression.Decide(list.Item(kari.Newest()), suppression.Marketing, "acme"); !d.Send || len(queue.waits) > 0 {
		t.Errorf("decision %+v, %d wait", d, len(queue.waits))
	}
}
