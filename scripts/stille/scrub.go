package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"stille/shared/api"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type scrub struct {
	File    string              `arg:"" help:"CSV, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Any scope blocks where it is not given."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
	Channel string              `enum:"email,sms," default:"" help:"email or sms: look at this channel's addresses only. Every address of a line must be one to send to where it is not given."`
	Region  string              `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
}

// Help names the columns and the files.
func (scrub) Help() string {
	return `Takes out of a list of contacts those that may not be sent to. The list has the columns channel and address, or email, or phone, or several of these; others stay as they are.

FILE.clean gets the lines that may be sent to, FILE.suppressed the others, each behind the reason: in their order, byte for byte. The stack is asked strongly. In doubt a line is not in FILE.clean: one that cannot be read, or whose address cannot. After a failure there is no FILE.clean. It is true for the moment: send soon, or ask again.

    $ stille scrub spring.csv --scope acme/newsletter`
}

// scrubColumns are those that name whom a line is about.
func scrubColumns() []string { return []string{"channel", "address", "email", "phone"} }

// Reasons not to send that no suppression gives, beside api.InvalidAddress.
const (
	unreadableLine = "unreadable-line"
	unreadableItem = "unreadable"
)

type scrubAnswer struct {
	AsOf       time.Time      `json:"asOf"`
	Lines      int            `json:"lines"`
	Clean      int            `json:"clean"`
	Suppressed int            `json:"suppressed"`
	Why        map[string]int `json:"why"`
	Files      []string       `json:"files"`
}

func (a scrubAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "as of       %s\nlines       %d\nclean       %d\nsuppressed  %d\n", a.AsOf.Format(time.RFC3339), a.Lines, a.Clean, a.Suppressed)
	for _, why := range slices.Sorted(maps.Keys(a.Why)) {
		fmt.Fprintf(w, "  %d: %s\n", a.Why[why], why)
	}
	fmt.Fprintln(w)
	for _, file := range a.Files {
		fmt.Fprintln(w, file)
	}
}

// Run writes both files.
func (c scrub) Run(ctx context.Context, s *session) error {
	in := scope.Everywhere
	if c.Scope != "" {
		var err error
		if _, in, err = s.scopes(ctx, c.Scope); err != nil {
			return err
		}
	}
	file, err := os.Open(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return usage("there is no such file")
	}
	if err != nil {
		return fmt.Errorf("opening the file: %w", err)
	}
	defer file.Close()
	list, err := readContacts(c.File, file, scrubColumns(), false)
	if err != nil {
		return err
	}
	if !(list.has("channel") && list.has("address")) && !list.has("email") && !list.has("phone") {
		return usage("the header names neither channel and address, nor email, nor phone")
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	clean, suppressed := c.File+".clean", c.File+".suppressed"
	for _, older := range []string{clean, suppressed} { // nobody is to take it for this one's
		if err := os.Remove(older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an older file: %w", err)
		}
	}
	job := scrubber{scrub: c, in: in, sys: sys, list: list, shown: s.progress(), answer: scrubAnswer{
		AsOf: s.now().UTC(), Why: map[string]int{}, Files: []string{clean, suppressed},
	}}
	err = replaceFile(clean, func(clean io.Writer) error {
		return replaceFile(suppressed, func(suppressed io.Writer) error { return job.all(ctx, clean, suppressed) })
	})
	job.shown.end()
	if err != nil {
		return err
	}
	return s.show(job.answer)
}

// scrubber goes through one list.
type scrubber struct {
	scrub
	in     scope.Scope
	sys    *system
	list   *contactFile
	shown  *progress
	answer scrubAnswer
}

func (j *scrubber) all(ctx context.Context, clean, suppressed io.Writer) error {
	_, err := clean.Write(j.list.header)
	if err == nil {
		_, err = suppressed.Write(j.behind("reason", j.list.header))
	}
	if err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	for {
		rows, err := some(j.list, 0, api.MaxContacts)
		if err != nil || len(rows) == 0 {
			return err
		}
		reasons, err := j.decide(ctx, rows)
		if err != nil {
			return err
		}
		for i, r := range rows {
			j.answer.Lines++
			if reasons[i] == "" {
				j.answer.Clean++
				_, err = clean.Write(r.raw)
			} else {
				j.answer.Suppressed++
				j.answer.Why[reasons[i]]++
				_, err = suppressed.Write(j.behind(reasons[i], r.raw))
			}
			if err != nil {
				return fmt.Errorf("writing a file: %w", err)
			}
		}
		j.shown.at(j.answer.Lines, 0, "lines")
	}
}

// decide tells why each row may not be sent to, "" where it may.
func (j *scrubber) decide(ctx context.Context, rows []row) ([]string, error) {
	set, err := j.sys.keys.Contact(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetching the contact keys: %w", err)
	}
	reasons := make([]string, len(rows))
	var asked [][]contact.Key
	var of []int // the row of each
	for i, r := range rows {
		var contacts []contact.Contact
		contacts, reasons[i] = j.contacts(r)
		for _, c := range contacts {
			keys, err := set.Keys(c)
			if err != nil {
				return nil, err
			}
			asked, of = append(asked, keys), append(of, i)
		}
	}
	found, err := j.sys.suppressions.Lookup(ctx, asked)
	if err != nil {
		return nil, err
	}
	for n, i := range of {
		if reasons[i] == "" {
			reasons[i] = j.reason(found[n])
		}
	}
	return reasons, nil
}

func (j *scrubber) reason(found suppression.Found) string {
	if found.Err != nil {
		return unreadableItem
	}
	d := suppression.Decide(found.Item, j.Purpose, j.in)
	if d.Send {
		return ""
	}
	return cmp.Or(string(d.Reason), unreadableItem)
}

// contacts are those a row is about, or why it can be about none.
func (j *scrubber) contacts(r row) (contacts []contact.Contact, reason string) {
	if r.err != nil {
		return nil, unreadableLine
	}
	for _, given := range []struct{ channel, address string }{
		{strings.ToLower(r.field("channel")), r.fields["address"]}, {string(contact.Email), r.fields["email"]}, {string(contact.SMS), r.fields["phone"]},
	} {
		if given.address == "" || j.Channel != "" && given.channel != j.Channel {
			continue
		}
		c, err := contact.Normalise(contact.Channel(given.channel), given.address, j.Region)
		if err != nil {
			return nil, api.InvalidAddress
		}
		contacts = append(contacts, c)
	}
	if len(contacts) == 0 {
		return nil, api.InvalidAddress
	}
	return contacts, ""
}

// behind puts a line behind a reason: as one more column of CSV, or as what the
// line of an object is.
func (j *scrubber) behind(reason string, line []byte) []byte {
	if !j.list.ndjson {
		line, marked := bytes.CutPrefix(line, []byte(byteOrderMark))
		if marked {
			reason = byteOrderMark + reason
		}
		return append([]byte(reason+string(j.list.comma)), line...)
	}
	if len(line) == 0 {
		return nil // NDJSON has no header
	}
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte(byteOrderMark)))
	if !json.Valid(line) {
		line, _ = json.Marshal(string(line)) // strings always marshal
	}
	quoted, _ := json.Marshal(reason)
	return fmt.Appendf(nil, "{\"reason\":%s,\"line\":%s}\n", quoted, line)
}
