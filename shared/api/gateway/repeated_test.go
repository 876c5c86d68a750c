package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
)

// asked is a request with every kind of nesting.
type asked struct {
	Scope    string `json:"scope"`
	Contacts []struct {
		Channel string `json:"channel"`
		Address string `json:"address"`
	} `json:"contacts"`
	Data map[string]any `json:"data"`
}

func TestANameThatIsRepeatedIsAFault(t *testing.T) {
	many := ""
	for n := range 100 {
		many += fmt.Sprintf(`"a%d":{"x":%d},`, n, n)
	}
	for _, test := range []struct {
		name, body string
		want       []gateway.Fault
	}{
		{"none", `{"scope":"acme","contacts":[{"channel":"email","address":"a"},{"channel":"email","address":"a"}]}`, nil},
		{"one of the request", `{"scope":"acme", "scope" :"acme"}`, []gateway.Fault{{Pointer: "", Detail: "has the field scope twice"}}},
		{"written in another way", `{"scope":"acme","\u0073cope":"globex"}`, []gateway.Fault{{Pointer: "", Detail: "has the field scope twice"}}},
		{"one of a contact", `{"contacts":[{"channel":"sms"},{"address":"a","address":"b"}]}`, []gateway.Fault{{Pointer: "/contacts/1", Detail: "has the field address twice"}}},
		{"one of free data", `{"data":{"list":{"a":[1,{"b":1,"b":2}]}}}`, []gateway.Fault{{Pointer: "/data/list/a/1", Detail: "has the field b twice"}}},
		{"names that differ in case", `{"scope":"acme","Scope":"globex"}`, []gateway.Fault{{Pointer: "", Detail: "has the field scope twice"}}},
		{"names that differ in case, of free data", `{"data":{"a":1,"A":2}}`, nil},
		{"a value that looks like a name", `{"scope":"a\"","data":{"a":"b","b":"a","c":["a","a",":"],"d":"{\"a\":1,\"a\":2}"}}`, nil},
		{"an address", `{"data":{"kari@example.no":{"x":1},"kari@example.no":2}}`, []gateway.Fault{{Pointer: "/data", Detail: "has a field twice"}}},
		{"one below an address", `{"data":{"kari@example.no":{"x":1,"x":2}}}`, []gateway.Fault{{Pointer: "/data", Detail: "has the field x twice"}}},
		{"one below a number", `{"data":{"4791234567":{"x":1,"x":2}}}`, []gateway.Fault{{Pointer: "/data", Detail: "has the field x twice"}}},
		{"none of many", `{"data":{` + many + `"b":1}}`, nil},
		{"one of many", `{"data":{` + many + `"a7":1}}`, []gateway.Fault{{Pointer: "/data", Detail: "has a field twice"}}},
		{"one below many", `{"data":{` + many + `"b":{"c":1,"c":1}}}`, []gateway.Fault{{Pointer: "/data/b", Detail: "has the field c twice"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var into asked
			got, err := gateway.Decode(gateway.Request{Body: test.body}, 1<<20, &into)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestManyNamesAreReadInTime(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"data":{`)
	for n := range 60_000 {
		fmt.Fprintf(&b, `"k%d":1,`, n)
	}
	b.WriteString(`"k":1}}`)
	var into asked
	if got, err := gateway.Decode(gateway.Request{Body: b.String()}, 1<<20, &into); got != nil || err != nil {
		t.Errorf("%v, error %v", got, err)
	}
}
