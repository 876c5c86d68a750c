package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	gocmp "github.com/google/go-cmp/cmp"

	"stille/shared/aws/deployment"
	"stille/shared/aws/keyring"
	"stille/shared/operator"
)

// rotateKeys stands in for the function: it answers, and keeps what it was
// asked. The deployed policy and scopes it always tells.
type rotateKeys struct {
	answer string
	policy string // instead of the tests' policy
	fails  bool
	err    error
	asked  []string
}

func (r *rotateKeys) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if string(in.Payload) == `{"config":true}` {
		files, err := json.Marshal(keyring.Config{Retention: cmp.Or(r.policy, policyText()), Scopes: scopesText()})
		return &lambda.InvokeOutput{Payload: files}, err
	}
	r.asked = append(r.asked, *in.FunctionName+" "+string(in.Payload))
	out := &lambda.InvokeOutput{Payload: []byte(r.answer)}
	if r.fails {
		out.FunctionError = aws.String("Unhandled")
	}
	return out, r.err
}

func TestKeyCommandsPrintTheFunctionsAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		args                []string
		answer, asked, says string
	}{
		"link keys": {[]string{"rotate", "link"}, `{"done":"rotated","id":"0a1b2c3d","smsId":"1b2c3d4e","letter":"3"}`,
			`{"rotate":"link"}`, "rotated: new e-mail links are made with the key 0a1b2c3d, new SMS links with the key 1b2c3d4e (they begin with 3)\n"},
		"contact keys, the first step": {[]string{"rotate", "contact"},
			`{"done":"added","id":"0a1b2c3d","next":"stille keys rotate contact","from":"2026-11-22T03:20:00Z"}`, `{"rotate":"contact"}`,
			"added: lookups try the contact key 0a1b2c3d, and nothing is written under it yet\n\nnext, from 2026-11-22T03:20:00Z on: stille keys rotate contact\n"},
		"contact keys, the second step": {[]string{"rotate", "contact"}, `{"done":"promoted","id":"0a1b2c3d","next":"stille keys list"}`,
			`{"rotate":"contact"}`, "promoted: contacts are written under the key 0a1b2c3d\n\nnext: stille keys list\n"},
		"a destruction": {[]string{"destroy", "contact", "0a1b2c3d"}, `{"done":"destroyed","id":"0a1b2c3d"}`,
			`{"destroy":{"set":"contact","id":"0a1b2c3d"}}`, "destroyed: the contact key 0a1b2c3d\n"},
	} {
		t.Run(name, func(t *testing.T) {
			function := &rotateKeys{answer: test.answer}
			on := call{stack: &stack{Operator: &operator.Operator{}, rotateKeys: deployment.NewKeys(function, "unit")}}
			got := on.run(t, append([]string{"keys"}, test.args...)...).ended(t, exitDone)
			if diff := gocmp.Diff([]string{test.says, ""}, []string{got.out, got.errors}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := gocmp.Diff([]string{"unit-rotate-keys " + test.asked}, function.asked); diff != "" {
				t.Errorf("asked (-want +got)\n%s", diff)
			}
			got = on.run(t, append([]string{"keys", "--json"}, test.args...)...).ended(t, exitDone)
			if diff := gocmp.Diff(test.answer+"\n", got.out); diff != "" {
				t.Errorf("in JSON (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAFailedKeyOrderIsAFailure(t *testing.T) {
	for name, test := range map[string]struct {
		function rotateKeys
		says     string
	}{
		"a refusal":             {rotateKeys{answer: `{"refused":"the contact key 0a1b2c3d is in use"}`}, "refused: the contact key 0a1b2c3d is in use"},
		"a function that fails": {rotateKeys{answer: `{"errorMessage":"reading secret x: down"}`, fails: true}, "unit-rotate-keys failed: reading secret x: down; `stille keys list` says"},
		"no function":           {rotateKeys{err: errors.New("access denied")}, "calling unit-rotate-keys: access denied"},
		"another answer":        {rotateKeys{answer: `"yes"`}, "reading the answer of unit-rotate-keys"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{{"keys", "rotate", "link"}, {"keys", "destroy", "contact", "0a1b2c3d", "--json"}} {
				got := call{stack: &stack{Operator: &operator.Operator{}, rotateKeys: deployment.NewKeys(&test.function, "unit")}}.run(t, args...).ended(t, exitFailed)
				if !strings.Contains(got.errors, test.says) || got.out != "" {
					t.Errorf("%v: it says %q and answers %q, want %q", args, got.errors, got.out, test.says)
				}
			}
		})
	}
}

func TestABadKeyOrderIsBadUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"no set":                  {"rotate"},
		"proof keys":              {"rotate", "proof"},
		"no key":                  {"destroy", "contact"},
		"an address":              {"destroy", "contact", "kari.secret@example.no"},
		"a key in capitals":       {"destroy", "contact", "0A1B2C3D"},
		"a key that is too short": {"destroy", "contact", "0a1b2c3"},
		"a set that there is not": {"destroy", "seal", "0a1b2c3d"},
	} {
		function := &rotateKeys{}
		got := call{stack: &stack{Operator: &operator.Operator{}, rotateKeys: deployment.NewKeys(function, "unit")}}.run(t, append([]string{"keys"}, args...)...).ended(t, exitUsage)
		if strings.Contains(got.errors, "secret") || len(function.asked) != 0 {
			t.Errorf("%s: it says %q and asked %v", name, got.errors, function.asked)
		}
	}
}

const listing = `{"sets":[` +
	`{"set":"contact","keys":[` +
	`{"id":"0a1b2c3d","created":"2026-01-02T03:04:05Z","primarySince":"2026-01-02T03:04:05Z","primary":true,"ageDays":324},` +
	`{"id":"1b2c3d4e","created":"2026-11-22T02:50:00Z","primary":false,"pending":true,"ageDays":0}` +
	`],"next":"stille keys rotate contact","from":"2026-11-22T03:10:00Z"},` +
	`{"set":"link-email","keys":[{"id":"2c3d4e5f","created":"2025-01-02T03:04:05Z","primarySince":"2025-01-02T03:04:05Z","primary":true,"ageDays":689}],"next":"stille keys rotate link"},` +
	`{"set":"link-sms","keys":[{"id":"3d4e5f60","letter":"0","created":"2025-01-02T03:04:05Z","primarySince":"2025-01-02T03:04:05Z","primary":true,"ageDays":689}],"next":"stille keys rotate link"},` +
	`{"set":"proof","keys":[{"id":"4e5f6071","created":"2025-01-02T03:04:05Z","primarySince":"2025-01-02T03:04:05Z","primary":true,"ageDays":689}]}` +
	`]}`

func TestKeysAreListedWithTheNextCommand(t *testing.T) {
	on := call{stack: &stack{Operator: &operator.Operator{}, rotateKeys: deployment.NewKeys(&rotateKeys{answer: listing}, "unit")}}
	got := on.run(t, "keys", "list").ended(t, exitDone)
	want := `sets with a next step: 3 of 4
SET         KEY       LETTER  CREATED               DAYS  STATE
contact     0a1b2c3d  -       2026-01-02T03:04:05Z  324   primary
contact     1b2c3d4e  -       2026-11-22T02:50:00Z  0     pending
link-email  2c3d4e5f  -       2025-01-02T03:04:05Z  689   primary
link-sms    3d4e5f60  0       2025-01-02T03:04:05Z  689   primary
proof       4e5f6071  -       2025-01-02T03:04:05Z  689   primary

next, from 2026-11-22T03:10:00Z on: stille keys rotate contact

next: stille keys rotate link
`
	if diff := gocmp.Diff([]string{want, ""}, []string{got.out, got.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = on.run(t, "keys", "list", "--json").ended(t, exitDone)
	if diff := gocmp.Diff(listing+"\n", got.out); diff != "" {
		t.Errorf("in JSON (-want +got)\n%s", diff)
	}
}
