//go:build store

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// deployed is a stack of real tables, and in memory everything else.
type deployed struct {
	memory
	on           *stack
	name         names.Stack
	suppressions *dynamo.Suppressions
	records      *dynamo.Records
	holds        *dynamo.Holds
	tools        *dynamo.Tools
	secret       string // of the contact keys
	set          *contact.KeySet
}

func deploy(t *testing.T) *deployed {
	t.Helper()
	db, name := dynamotest.Tables(t, "communication", "messaging", "contact", "service")
	list := dynamo.NewSuppressions(db, name)
	secret, set := contactKeys(t)
	canaries, err := set.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	if err := list.PutCanaries(t.Context(), canaries); err != nil {
		t.Fatal(err)
	}
	d := &deployed{
		memory: inMemory(t), name: name, suppressions: list, records: dynamo.NewRecords(db, name), holds: dynamo.NewHolds(db, name),
		tools: dynamo.NewTools(db, name), secret: secret, set: set,
	}
	d.on = d.memory.stack()
	o := d.on.Operator
	o.Suppressions, o.Ledger, o.Tools, o.Records, o.Holds, o.Runs = list, list, d.tools, d.records, d.holds, dynamo.NewRuns(db, name)
	d.useKeys()
	return d
}

func (d *deployed) useKeys() {
	d.on.ContactKeys = keyring.NewRing(secrets{d.name.ContactKeys(): d.secret}, d.name, d.suppressions, time.Now).Contact
}

// run calls the program on the stack.
func (d *deployed) run(t *testing.T, args ...string) call {
	t.Helper()
	return call{stack: d.on}.run(t, args...)
}

func (d *deployed) hold(t *testing.T, target retention.Target) {
	t.Helper()
	_, err := d.holds.Set(t.Context(), []string{"messaging"}, []retention.Hold{{Case: "C-17", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: at}})
	if err != nil {
		t.Fatal(err)
	}
}

// contactKeys are a new key set and the secret that holds it.
func contactKeys(t *testing.T) (string, *contact.KeySet) {
	t.Helper()
	secret, err := keyring.NewContactSecret()
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyring.ParseContact(secret)
	if err != nil {
		t.Fatal(err)
	}
	return secret, set
}

func (d *deployed) key(t *testing.T, ch contact.Channel, address string) contact.Key {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := d.set.Key(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rotate adds a key to the contact keys, which becomes the newest.
func (d *deployed) rotate(t *testing.T) {
	t.Helper()
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(d.secret)))
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	if handle, err = manager.Handle(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	d.secret = b.String()
	if d.set, err = keyring.ParseContact(d.secret); err != nil {
		t.Fatal(err)
	}
	d.useKeys()
}

// secrets stands in for Secrets Manager.
type secrets map[string]string

func (s secrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(s[*in.SecretId])}, nil
}
