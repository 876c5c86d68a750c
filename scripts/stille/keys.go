package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"stille/shared/aws/keyring"
	"stille/shared/names"
)

type keyCommands struct {
	List    keyList    `cmd:"" help:"What there is of each key set, and what is due."`
	Rotate  keyRotate  `cmd:"" help:"Add a key, or take the next step of that."`
	Destroy keyDestroy `cmd:"" help:"Destroy a contact key that nothing uses."`
}

// invoker is the part of Lambda that a function is called with.
type invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// order has rotate-keys do something, so that whoever types it needs no right
// to any key.
func order[T any](ctx context.Context, s *session, what keyring.Order) (answer T, err error) {
	sys, err := s.system(ctx)
	if err != nil {
		return answer, err
	}
	payload, err := json.Marshal(what)
	if err != nil {
		return answer, fmt.Errorf("writing the order: %w", err)
	}
	got, err := sys.functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(sys.name.Function(names.RotateKeys)), Payload: payload,
	})
	if err != nil {
		return answer, fmt.Errorf("calling %s: %w", names.RotateKeys, err)
	}
	if got.FunctionError != nil {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(got.Payload, &failure) // or else the logs say why
		return answer, fmt.Errorf("%s failed: %s; `stille keys list` says how far it came", names.RotateKeys, failure.ErrorMessage)
	}
	if err := json.Unmarshal(got.Payload, &answer); err != nil {
		return answer, fmt.Errorf("reading the answer of %s: %w", names.RotateKeys, err)
	}
	return answer, nil
}

type keyRotate struct {
	Set string `arg:"" enum:"link,contact" help:"link or contact."`
}

// Help says what comes of it.
func (keyRotate) Help() string {
	return `link: new links are made with a new key; old links open for ever. A schedule does this once a year.

contact: only after a compromise, and in two steps. The first adds a key that every lookup tries. The same command again, once every container knows that key, makes it the primary one: what is written from then on is written under it, and takes along what is older.

    $ stille keys rotate link
    $ stille keys rotate contact`
}

type changeAnswer struct{ keyring.Answer }

func (a changeAnswer) text(w io.Writer) {
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
	sayNext(w, a.Next, a.From)
}

func sayNext(w io.Writer, command string, from time.Time) {
	switch {
	case command == "":
	case from.IsZero():
		fmt.Fprintf(w, "\nnext: %s\n", command)
	default:
		fmt.Fprintf(w, "\nnext, from %s on: %s\n", from.Format(time.RFC3339), command)
	}
}

// Run rotates the keys.
func (k keyRotate) Run(ctx context.Context, s *session) error {
	return changeKeys(ctx, s, keyring.Order{Rotate: k.Set})
}

type keyDestroy struct {
	Set string `arg:"" enum:"contact,link,proof" help:"contact; link and proof keys are never destroyed."`
	ID  string `arg:"" name:"keyid" help:"The key, by its id: 8 hexadecimal digits."`
}

// Help says what it takes.
func (keyDestroy) Help() string {
	return `A contact key can go once another is the primary one, nothing is stored under it any more, and no queue can hold anything under it. Backups from before need it: they cannot be used afterwards.

    $ stille keys destroy contact 0a1b2c3d`
}

var keyIDs = regexp.MustCompile(`^[0-9a-f]{8}$`)

// Run destroys the key.
func (k keyDestroy) Run(ctx context.Context, s *session) error {
	if !keyIDs.MatchString(k.ID) {
		return usage("a key's id is 8 hexadecimal digits; `stille keys list` shows them")
	}
	return changeKeys(ctx, s, keyring.Order{Destroy: &keyring.Destroy{Set: k.Set, ID: k.ID}})
}

func changeKeys(ctx context.Context, s *session, what keyring.Order) error {
	answer, err := order[keyring.Answer](ctx, s, what)
	if err != nil {
		return err
	}
	if answer.Refused != "" {
		return errors.New("refused: " + answer.Refused)
	}
	return s.show(changeAnswer{answer})
}

type keyList struct{}

type keysAnswer struct{ keyring.Listing }

func (a keysAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SET\tKEY\tLETTER\tCREATED\tDAYS\tSTATE\tSUPPRESSIONS\tHOLDS\tRECORDS")
	for _, set := range a.Sets {
		for _, key := range set.Keys {
			letter, uses := "-", "-\t-\t-"
			if key.Letter != "" {
				letter = key.Letter
			}
			if key.Uses != nil {
				uses = fmt.Sprintf("%d\t%d\t%d", key.Uses.Suppressions, key.Uses.Holds, key.Uses.AllRecords())
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", set.Name, key.ID, letter, key.Created.Format(time.RFC3339), key.AgeDays, stateOf(key.Key), uses)
		}
	}
	_ = table.Flush() // into a buffer
	said := ""
	for _, set := range a.Sets {
		if set.Next != said {
			sayNext(w, set.Next, set.From)
			said = set.Next
		}
	}
}

func stateOf(key keyring.Key) string {
	switch {
	case key.Primary:
		return "primary"
	case key.Waiting:
		return "waiting"
	}
	return "older"
}

// Run lists the keys.
func (keyList) Run(ctx context.Context, s *session) error {
	listing, err := order[keyring.Listing](ctx, s, keyring.Order{List: true})
	if err != nil {
		return err
	}
	return s.show(keysAnswer{listing})
}
