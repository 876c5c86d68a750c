package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stille/shared/aws/keyring"
)

type keyCommands struct {
	List    keyList    `cmd:"" help:"List the keys of each set, and what is due."`
	Rotate  keyRotate  `cmd:"" help:"Add a key, or take the next step of a rotation."`
	Destroy keyDestroy `cmd:"" help:"Destroy a contact key that nothing uses."`
}

type keyRotate struct {
	Set string `arg:"" enum:"link,contact" help:"link or contact."`
}

func (k keyRotate) Run(ctx context.Context, s *session, on *stack) error {
	return changeKeys(ctx, s, on, keyring.Order{Rotate: k.Set})
}

type keyDestroy struct {
	Set string `arg:"" enum:"contact,link,proof" help:"contact; link and proof keys are never destroyed."`
	ID  string `arg:"" check:"keyid" name:"keyid" help:"The key, by its id: 8 hexadecimal digits."`
}

func (k keyDestroy) Run(ctx context.Context, s *session, on *stack) error {
	return changeKeys(ctx, s, on, keyring.Order{Destroy: &keyring.Destroy{Set: k.Set, ID: k.ID}})
}

func changeKeys(ctx context.Context, s *session, on *stack, order keyring.Order) error {
	answer, err := on.rotateKeys.Change(ctx, order)
	if err != nil {
		return fmt.Errorf("%w; `stille keys list` says how the keys stand", err)
	}
	return show(s, &answer, nil, func(w io.Writer, a *keyring.Answer) {
		switch a.Done {
		case keyring.Rotated:
			fmt.Fprintf(w, "rotated: new e-mail links are made with the key %s, new SMS links with the key %s (they begin with %s)\n", a.ID, a.SMSID, a.Letter)
		case keyring.Added:
			fmt.Fprintf(w, "added: lookups try the contact key %s, and nothing is written under it yet\n", a.ID)
		case keyring.Promoted:
			fmt.Fprintf(w, "promoted: contacts are written under the key %s\n", a.ID)
		case keyring.Destroyed:
			fmt.Fprintf(w, "destroyed: the contact key %s\n", a.ID)
		}
		nextFrom(w, a.Next, a.From)
	})
}

// nextFrom prints the command to type next, and when.
func nextFrom(w io.Writer, command string, from time.Time) {
	if command != "" && !from.IsZero() {
		fmt.Fprintf(w, "\nnext, from %s on: %s\n", instantText(from), command)
		return
	}
	next(w, command)
}

type keyList struct{}

func (keyList) Run(ctx context.Context, s *session, on *stack) error {
	listing, err := on.rotateKeys.List(ctx, false)
	if err != nil {
		return err
	}
	return show(s, &listing, nil, func(w io.Writer, all *keyring.Listing) {
		due := 0
		for _, set := range all.Sets {
			if set.Next != "" {
				due++
			}
		}
		if due == 0 {
			fmt.Fprintln(w, "nothing to do")
		} else {
			fmt.Fprintf(w, "%d of %d sets have a next step\n", due, len(all.Sets))
		}
		t := newTable(w, "SET", "KEY", "LETTER", "CREATED", "DAYS", "STATE", "SUPPRESSIONS", "HOLDS", "RECORDS")
		for _, set := range all.Sets {
			for _, key := range set.Keys {
				suppressions, holds, records := any(""), any(""), any("")
				if key.Uses != nil {
					suppressions, holds, records = key.Uses.Suppressions, key.Uses.Holds, key.Uses.AllRecords()
				}
				t.row(set.Name, key.ID, key.Letter, key.Created, key.AgeDays, keyState(key.Key), suppressions, holds, records)
			}
		}
		t.end()
		said := ""
		for _, set := range all.Sets {
			if set.Next != said {
				nextFrom(w, set.Next, set.From)
				said = set.Next
			}
		}
	})
}

func keyState(key keyring.Key) string {
	switch {
	case key.Primary:
		return "primary"
	case key.Pending:
		return "pending"
	}
	return "older"
}
