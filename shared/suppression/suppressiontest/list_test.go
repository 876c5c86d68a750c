package suppressiontest_test

import (
	"context"
	"errors"
	"testing"

	"stille/shared/contact"
	"stille/shared/suppression/suppressiontest"
)

func TestListInMemoryPassesTheSuite(t *testing.T) {
	suppressiontest.Suite(t, func(*testing.T) suppressiontest.Opened {
		list := &suppressiontest.List{}
		return suppressiontest.Opened{Store: list, Spoil: list.Spoil}
	})
}

func TestListFailsAsToldToAndObserves(t *testing.T) {
	list, down := &suppressiontest.List{}, errors.New("the store is down")
	list.Fail(down)
	if _, err := list.Get(t.Context(), []contact.Key{"k"}); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
	var seen suppressiontest.Call
	list.Before = func(_ context.Context, c suppressiontest.Call) error {
		seen = c
		return nil
	}
	if _, err := list.Lookup(t.Context(), [][]contact.Key{{"k"}}); err != nil || seen.Method != "Lookup" || seen.Keys[0] != "k" {
		t.Errorf("saw %+v, error %v", seen, err)
	}
}
