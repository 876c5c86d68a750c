// Command story runs the main job once, from end to end, on the local stack, and
// prints each step with its result: links that silence one channel and not the
// other, records that are deleted on their day and records that stay, and the
// certificates. Each step is checked; the first failure ends the story with exit
// code 1.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"stille/scripts/local"
	"stille/scripts/stackfile"
	"stille/shared/aws/dynamo"
	"stille/shared/names"
)

// story is one run of the story on a stack. Its people are new each time, so
// that the story can run again on the data of the last run.
type story struct {
	stack   stackfile.Stack
	file    string // the stack file
	cli     string // the operator's CLI
	out     io.Writer
	api     api
	records *dynamo.Records
	sfn     *sfn.Client
	nightly *scheduler.Client
	files   *s3.Client
	now     time.Time

	id    string // of this run: six digits
	step  int
	links []string
	tales []tale // of the stored records

	receipts, receipt string // the folder, and the receipt of the erasure
}

func newStory(root, file string, stack stackfile.Stack, out io.Writer) (*story, error) {
	id, err := randomDigits()
	if err != nil {
		return nil, err
	}
	cfg := stack.Config()
	return &story{
		stack: stack, file: file, cli: filepath.Join(root, ".local", "bin", "stille"), out: out,
		api:     api{http: &http.Client{Timeout: patience}, base: stack.API, key: stack.APIKey},
		records: dynamo.NewRecords(dynamo.NewClient(cfg), names.DefaultStack),
		sfn:     sfn.NewFromConfig(cfg), nightly: scheduler.NewFromConfig(cfg), files: s3.NewFromConfig(cfg),
		now: time.Now(), id: id,
	}, nil
}

func randomDigits() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("choosing names: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

func (s *story) tell(ctx context.Context) (err error) {
	if s.receipts, err = os.MkdirTemp("", "stille-receipts-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.receipts) //nolint:errcheck // a temporary folder
	kari := person{email: "kari." + s.id + "@example.no", sms: "+4791" + s.id}
	ola := person{email: "ola." + s.id + "@example.no", sms: "+4792" + s.id}
	liv := person{email: "liv." + s.id + "@example.no", sms: "+4794" + s.id}
	per := person{email: "per." + s.id + "@example.no", sms: "+4793" + s.id}
	eva := person{email: "eva." + s.id + "@example.no", sms: "+4795" + s.id}
	ida := person{email: "ida." + s.id + "@example.no", sms: "+4797" + s.id}
	jon := person{email: "jon." + s.id + "@example.no", sms: "+4796" + s.id}
	for _, chapter := range []struct {
		title string
		tell  func(ctx context.Context) error
	}{
		{"May we send?", func(ctx context.Context) error { return s.expect(ctx, kari, true, true) }},
		{"Kari opts out: e-mail by one-click, then SMS through the page", func(ctx context.Context) error { return s.optOut(ctx, kari) }},
		{"Liv opts out of the newsletter alone, and takes it back", func(ctx context.Context) error { return s.topicAndBack(ctx, liv) }},
		{"Liv calls an e-mail spam, and SES says so", func(ctx context.Context) error { return s.complaint(ctx, liv) }},
		{`Liv answers an SMS with "Stopp!"`, func(ctx context.Context) error { return s.reply(ctx, liv) }},
		{"Opt-outs of another system are imported, and a mailing list is scrubbed", func(ctx context.Context) error { return s.lists(ctx, kari, per, ola) }},
		{"Globex requires a consent: Eva's is live, Jon's expired, Ola gave none", func(ctx context.Context) error { return s.consents(ctx, eva, jon, ola) }},
		{"Records of both classes, and a legal hold", func(ctx context.Context) error { return s.keep(ctx, kari, ola, ida) }},
		{"What is held is frozen, and its object is nobody else's", s.freeze},
		{"Ida asks for erasure; a law keeps her voucher", func(ctx context.Context) error { return s.erase(ctx, ida) }},
		{"Both purges, started as the schedule starts them", func(ctx context.Context) error { return s.purge(ctx, kari, jon) }},
		{"A thousand records fall due at once: the brake, an approval, and a killed run", s.halt},
		{"Yours to try", func(ctx context.Context) error { return s.handOver(ctx, ola) }},
	} {
		s.step++
		s.say("\n%d. %s\n", s.step, chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("step %d, %q: %w", s.step, chapter.title, err)
		}
	}
	return nil
}

func (s *story) say(format string, a ...any) { fmt.Fprintf(s.out, format, a...) }

// print prints one checked result.
func (s *story) print(what, result string) { s.say("   %-58s %s\n", what, result) }

// operator runs the operator's CLI and returns its answer.
func (s *story) operator(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, s.cli, append(args, "--stack-file", s.file)...) //nolint:gosec // our own CLI, our own arguments
	var failure bytes.Buffer
	command.Stderr = &failure
	out, err := command.Output()
	if err != nil {
		return string(out), fmt.Errorf("stille %s: %w: %s%s", strings.Join(args[:2], " "), err, out, &failure)
	}
	return string(out), nil
}

// handOver prints where everything is, with links that still work: Ola has not
// opted out.
func (s *story) handOver(ctx context.Context, ola person) error {
	minted, err := s.api.mint(ctx, s.stack.Scope, ola.contacts())
	if err != nil {
		return err
	}
	for _, m := range minted {
		s.say("   %s\n", m.URL)
	}
	s.say("\n   the tools' API is at %s\n", s.stack.API)
	s.say("   curl -s '%s%s' -H 'Authorization: Bearer %s' \\\n", s.stack.API, names.RouteCheck, s.stack.APIKey)
	s.say("     -d '{\"scope\":%q,\"contacts\":[{\"channel\":\"email\",\"address\":%q}]}'\n\n", s.stack.Scope, ola.email)
	for _, next := range []string{
		"check email " + ola.email + " --scope " + string(s.stack.Scope),
		"history email " + ola.email,
		"purge plan messaging",
		"hold list",
		"--help",
	} {
		s.say("   .local/bin/stille %s\n", next)
	}
	return nil
}

func main() {
	if err := tell(); err != nil {
		fmt.Fprintln(os.Stderr, "story:", err)
		os.Exit(1)
	}
}

func tell() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := local.Root()
	if err != nil {
		return err
	}
	file := filepath.Join(root, stackfile.Path)
	stack, err := stackfile.Read(file)
	if err != nil {
		return err
	}
	s, err := newStory(root, file, stack, os.Stdout)
	if err != nil {
		return err
	}
	return s.tell(ctx)
}
