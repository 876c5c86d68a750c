package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
)

type subjects struct {
	Export   subjectExport   `cmd:"" help:"Everything that is stored about a contact, in a file (GDPR 15 and 20)."`
	Erase    subjectErase    `cmd:"" help:"Silence a contact for good, and have its records go with the next purges (GDPR 17)."`
	Restrict subjectRestrict `cmd:"" help:"Keep a contact's records from being deleted (GDPR 18)."`
}

// receipt is what the operator keeps to show that a person's wish was met, and
// how. It names the contact by the beginning of its keys, never by its address.
type receipt struct {
	Asked   string          `json:"asked"` // export, erase or restrict
	Channel contact.Channel `json:"channel"`
	Keys    []string        `json:"keys"` // the first characters of each, the newest key's first
	At      time.Time       `json:"at"`
	By      string          `json:"by"` // the principal, as STS says
	Case    string          `json:"case,omitempty"`
	Ledger  string          `json:"ledger,omitempty"` // the entry's id
	SHA256  string          `json:"sha256,omitempty"` // of the exported file
}

func (r receipt) text(w io.Writer) {
	fmt.Fprintf(w, "receipt  %s of the %s contact %s\nat       %s\nby       %s\n",
		r.Asked, r.Channel, strings.Join(r.Keys, ", "), r.At.Format(time.RFC3339), r.By)
	for _, one := range []struct{ what, which string }{{"case", r.Case}, {"ledger", r.Ledger}, {"sha256", r.SHA256}} {
		if one.which != "" {
			fmt.Fprintf(w, "%-9s%s\n", one.what, one.which)
		}
	}
}

// subject is a contact whose right is exercised, in a stack.
type subject struct {
	sys  *system
	who  contact.Contact
	keys []contact.Key // live ones, the newest first
	receipt
}

// subject finds the contact and begins its receipt.
func (s *session) subject(ctx context.Context, asked string, p person, ref reference) (subject, error) {
	who, err := p.contact()
	if err != nil {
		return subject{}, err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return subject{}, err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return subject{}, err
	}
	by, err := sys.Principal(ctx)
	if err != nil {
		return subject{}, err
	}
	return subject{sys: sys, who: who, keys: keys, receipt: receipt{
		Asked: asked, Channel: who.Channel(), Keys: shorts(keys), At: s.now().UTC(), By: by, Case: string(ref),
	}}, nil
}

func shorts(keys []contact.Key) []string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = key.Short()
	}
	return texts
}

// idsOf are the ids of a class's records about a contact with these keys. The
// index lags behind by moments, so what is read by them is to be looked at.
func idsOf(ctx context.Context, sys *system, class string, keys []contact.Key) ([]string, error) {
	ids := map[string]bool{}
	for _, key := range keys {
		of, err := sys.records.OfSubject(ctx, class, key)
		if err != nil {
			return nil, err
		}
		for _, id := range of {
			ids[id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// recordsOf reads the records of a class about a contact with these keys, as
// far as a deletion is decided on them, and the ids of those that cannot be
// understood.
func recordsOf(ctx context.Context, sys *system, class string, keys []contact.Key) (records []retention.Stored, unreadable []string, err error) {
	ids, err := idsOf(ctx, sys, class, keys)
	if err != nil {
		return nil, nil, err
	}
	for some := range slices.Chunk(ids, purge.MaxDeletes) {
		there, wrong, err := sys.records.Load(ctx, class, some)
		if err != nil {
			return nil, nil, err
		}
		for _, record := range there {
			if slices.Contains(keys, record.Subject) {
				records = append(records, record)
			}
		}
		unreadable = slices.AppendSeq(unreadable, maps.Keys(wrong))
	}
	slices.SortFunc(records, func(a, b retention.Stored) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(unreadable)
	return records, unreadable, nil
}

// shownID is a record's id, unless it may be an address that another service
// wrote there.
func shownID(id string) string {
	if retention.MayShowID(id) {
		return id
	}
	return "…"
}

// holdsOn are the holds on any of the targets, lifted ones too.
func holdsOn(ctx context.Context, sys *system, targets []retention.Target) ([]retention.Hold, error) {
	all, err := sys.holds.List(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(h retention.Hold) bool { return !slices.Contains(targets, h.Target) }), nil
}

func sortedKeys[K cmp.Ordered, V any](of map[K]V) []K { return slices.Sorted(maps.Keys(of)) }
