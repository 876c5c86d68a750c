package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
)

var allWrites = []string{stack.ContactKeys(), stack.LinkKeys(), stack.ProofKeys(), "canaries"}

func fresh(t *testing.T, secret func() (string, error)) string {
	t.Helper()
	value, err := secret()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTheFirstDeployMakesKeysThenCanaries(t *testing.T) {
	w := newWorld()
	if err := w.handle(t, cfn.RequestCreate); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(allWrites, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	w.mustServe(t)
}

func TestCreatingAgainChangesNothing(t *testing.T) {
	w := newWorld()
	if err := w.handle(t, cfn.RequestCreate); err != nil {
		t.Fatal(err)
	}
	w.items = 7
	before := maps.Clone(w.values)
	if err := w.handle(t, cfn.RequestCreate); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if diff := cmp.Diff(allWrites, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, w.values); diff != "" {
		t.Error("a secret changed")
	}
}

func TestUpdateAndDeleteDoNothing(t *testing.T) {
	for _, request := range []cfn.RequestType{cfn.RequestUpdate, cfn.RequestDelete} {
		w := newWorld()
		w.readErr = errors.New("must not be read")
		if err := w.handle(t, request); err != nil || len(w.writes) != 0 {
			t.Errorf("%s: error %v, writes %v", request, err, w.writes)
		}
	}
}

func TestARetryFinishesWhatACrashLeft(t *testing.T) {
	for crashAt := 1; crashAt <= len(allWrites); crashAt++ {
		t.Run("before write "+fmt.Sprint(crashAt), func(t *testing.T) {
			w := newWorld()
			w.crashAt = crashAt
			if err := w.handle(t, cfn.RequestCreate); !errors.Is(err, errCrash) {
				t.Fatalf("error = %v, want the crash", err)
			}
			before := maps.Clone(w.values)
			if err := w.handle(t, cfn.RequestCreate); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(allWrites, w.writes); diff != "" {
				t.Errorf("writes of both runs (-want +got):\n%s", diff)
			}
			for name, value := range before {
				if value != "" && w.values[name] != value {
					t.Errorf("secret %s was replaced", name)
				}
			}
			w.mustServe(t)
		})
	}
}

func TestNoKeysAreMadeForAUsedTable(t *testing.T) {
	own := fresh(t, keyring.NewContactSecret)
	set, err := keyring.ParseContact(own)
	if err != nil {
		t.Fatal(err)
	}
	canaries, err := set.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		contacts string
		canaries map[string]string
		items    int
		want     error
	}{
		"no contact keys, but items":                       {"", nil, 1, errInUse},
		"no contact keys, but items and canaries":          {"", canaries, 1, errInUse},
		"no contact keys, but canaries":                    {"", canaries, 0, errInUse},
		"contact keys and items, but no canaries":          {own, nil, 1, errInUse},
		"other contact keys than the canaries'":            {fresh(t, keyring.NewContactSecret), canaries, 0, contact.ErrForeignKeys},
		"other contact keys than the canaries', and items": {fresh(t, keyring.NewContactSecret), canaries, 1, contact.ErrForeignKeys},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.values[stack.ContactKeys()], w.canaries, w.items = test.contacts, test.canaries, test.items
			w.values[stack.LinkKeys()], w.values[stack.ProofKeys()] = fresh(t, keyring.NewLinkSecret), fresh(t, keyring.NewProofSecret)
			if err := w.handle(t, cfn.RequestCreate); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if w.values[stack.ContactKeys()] != test.contacts {
				t.Error("the contact keys changed")
			}
			if diff := cmp.Diff(test.canaries, w.canaries); diff != "" {
				t.Errorf("canaries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALostKeySetIsNotReplaced(t *testing.T) {
	for _, lost := range []string{stack.LinkKeys(), stack.ProofKeys()} {
		t.Run(lost, func(t *testing.T) {
			w := newWorld()
			if err := w.handle(t, cfn.RequestCreate); err != nil {
				t.Fatal(err)
			}
			w.values[lost], w.items = "", 1
			if err := w.handle(t, cfn.RequestCreate); !errors.Is(err, errInUse) || w.values[lost] != "" {
				t.Errorf("error %v, want errInUse; made again: %v", err, w.values[lost] != "")
			}
		})
	}
}

func TestAnUnreadableValueIsNeverOverwritten(t *testing.T) {
	for _, name := range []string{stack.ContactKeys(), stack.LinkKeys(), stack.ProofKeys()} {
		for kind, spoil := range map[string]func(*world){
			"text":        func(w *world) { w.values[name] = "hunter2hunter2" },
			"white space": func(w *world) { w.values[name] = " " },
			"bytes":       func(w *world) { w.binary[name] = []byte("hunter2hunter2") },
		} {
			t.Run(name+" holds "+kind, func(t *testing.T) {
				w := newWorld()
				spoil(w)
				before := w.values[name]
				err := w.handle(t, cfn.RequestCreate)
				if !errors.Is(err, keyring.ErrUnreadable) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error = %v, want ErrUnreadable with the secret's name only", err)
				}
				if w.values[name] != before || w.canaries != nil {
					t.Error("the secret was overwritten, or canaries were planted")
				}
			})
		}
	}
}

func TestAnUnreadableSecretIsNotTakenForEmpty(t *testing.T) {
	w := newWorld()
	w.readErr = errors.New("access denied")
	if err := w.handle(t, cfn.RequestCreate); !errors.Is(err, w.readErr) || len(w.writes) != 0 {
		t.Errorf("error = %v, writes %v", err, w.writes)
	}
}

func TestConcurrentFirstRunsUseTheSameKeys(t *testing.T) {
	w := newWorld()
	w.beforePut = func() {
		w.beforePut = nil
		if err := w.handle(t, cfn.RequestCreate); err != nil {
			t.Errorf("the run in between: %v", err)
		}
	}
	if err := w.handle(t, cfn.RequestCreate); err != nil {
		t.Fatal(err)
	}
	w.mustServe(t)
	secrets := make(map[string]int)
	for _, name := range w.writes {
		secrets[name]++
	}
	for _, name := range allWrites[:3] {
		if secrets[name] != 1 {
			t.Errorf("secret %s was written %d times", name, secrets[name])
		}
	}
}

func TestAFirstVersionNotCurrentIsAnError(t *testing.T) {
	w := newWorld()
	w.versions[stack.ContactKeys()+" "+nextVersion("")] = "another"
	if err := w.handle(t, cfn.RequestCreate); err == nil || !strings.Contains(err.Error(), "not the current") || len(w.writes) != 0 {
		t.Errorf("error = %v, writes %v", err, w.writes)
	}
}
