package gateway_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
)

// order has one field of every kind that requests use.
type order struct {
	Scope    string          `json:"scope"`
	At       gateway.Time    `json:"at"`
	Start    *time.Time      `json:"start"`
	Urgent   bool            `json:"urgent"`
	Copies   int             `json:"copies"`
	Contacts []orderContact  `json:"contacts"`
	Payer    *orderContact   `json:"payer"`
	IDs      []string        `json:"ids"`
	Data     json.RawMessage `json:"data"`
}

type orderContact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
}

func TestGoodJSONIsRead(t *testing.T) {
	body := `{"scope":"acme","at":"2026-11-22T03:00:00Z","contacts":[{"channel":"email","address":"x"}],"ids":["a","b"],"data":{"any":[1]}}`
	var got order
	faults, err := gateway.Decode(gateway.Request{Body: body}, 1000, &got)
	if err != nil || faults != nil {
		t.Fatalf("want no error and no faults, got %v and %v", err, faults)
	}
	want := order{
		Scope:    "acme",
		At:       gateway.Time{Time: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Given: true},
		Contacts: []orderContact{{Channel: "email", Address: "x"}},
		IDs:      []string{"a", "b"},
		Data:     json.RawMessage(`{"any":[1]}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	cases := []struct {
		name, body string
		want       []gateway.Fault
	}{
		{
			"wrong types and unknown fields at every depth",
			`{"scope":7,"at":"yesterday","start":12,"urgent":"yes","copies":"two","ids":["a",1],"extra":1,"a/b":1,
			  "contacts":[{"channel":"email","addr":"x"},"kari",{"channel":[],"address":"x"}]}`,
			[]gateway.Fault{
				{Pointer: "", Detail: "has a field whose name is not a field of this request"},
				{Pointer: "/at", Detail: "must be a time like 2026-11-20T08:00:00Z"},
				{Pointer: "/contacts/0/addr", Detail: "is not a field of this request"},
				{Pointer: "/contacts/1", Detail: "must be an object"},
				{Pointer: "/contacts/2/channel", Detail: "must be text"},
				{Pointer: "/copies", Detail: "must be a number"},
				{Pointer: "/extra", Detail: "is not a field of this request"},
				{Pointer: "/ids/1", Detail: "must be text"},
				{Pointer: "/scope", Detail: "must be text"},
				{Pointer: "/start", Detail: "must be a time like 2026-11-20T08:00:00Z"},
				{Pointer: "/urgent", Detail: "must be true or false"},
			},
		},
		{
			"inside a contact that may be left out", `{"payer":{"channel":7,"adress":"x"}}`,
			[]gateway.Fault{{Pointer: "/payer/adress", Detail: "is not a field of this request"}, {Pointer: "/payer/channel", Detail: "must be text"}},
		},
		{"a contact that may be left out and is none", `{"payer":"kari"}`, []gateway.Fault{{Pointer: "/payer", Detail: "must be an object"}}},
		{"an invalid list", `{"contacts":{}}`, []gateway.Fault{{Pointer: "/contacts", Detail: "must be a list"}}},
		{"a list where the object should be", `[]`, []gateway.Fault{{Pointer: "", Detail: "must be an object"}}},
		{"null where the object should be", ` null `, []gateway.Fault{{Pointer: "", Detail: "must be an object"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var into order
			faults, err := gateway.Decode(gateway.Request{Body: c.body}, 1000, &into)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, faults); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsRightIsReadDespiteFaults(t *testing.T) {
	var got order
	if _, err := gateway.Decode(gateway.Request{Body: `{"scope":"acme","at":1,"contacts":[{"channel":1,"address":"x"}]}`}, 1000, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order{Scope: "acme", Contacts: []orderContact{{Address: "x"}}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNullIsToldFromAbsent(t *testing.T) {
	for body, given := range map[string]bool{`{}`: false, `{"at":null}`: true} {
		var got order
		if _, err := gateway.Decode(gateway.Request{Body: body}, 1000, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(gateway.Time{Given: given, Null: given}, got.At); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestAMalformedBodyIsRefused(t *testing.T) {
	cases := []struct {
		name, body string
		want       error
	}{
		{"nothing", "", gateway.ErrMalformed},
		{"cut off", `{"scope":"ac`, gateway.ErrMalformed},
		{"two values", `{} {}`, gateway.ErrMalformed},
		{"bytes that are no UTF-8", "{\"scope\":\"\xff\"}", gateway.ErrMalformed},
		{"too long", `{"scope":"` + string(make([]byte, 1000)) + `"}`, gateway.ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var into order
			if _, err := gateway.Decode(gateway.Request{Body: c.body}, 1000, &into); !errors.Is(err, c.want) {
				t.Errorf("want %v, got %v", c.want, err)
			}
		})
	}
}

// The two ways to read a body must agree: one without faults reads the same
// as encoding/json reads it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"scope":"acme","contacts":[{"channel":"email","address":"x"}]}`, `{"SCOPE":null,"ids":null,"at":null}`,
		`{"contacts":[null,1]}`, `[]`, `null`, `{"data":}`, `{"start":"2026-11-22T03:00:00.5+01:00"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got, plain order
		faults, err := gateway.Decode(gateway.Request{Body: body}, 1<<20, &got)
		plainErr := json.Unmarshal([]byte(body), &plain)
		if err == nil && len(faults) == 0 && plainErr != nil {
			t.Fatalf("no fault in what encoding/json refuses: %v", plainErr)
		}
		if err == nil && len(faults) == 0 && !cmp.Equal(plain, got) {
			t.Error(cmp.Diff(plain, got))
		}
	})
}
