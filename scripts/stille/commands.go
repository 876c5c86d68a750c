package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"stille/shared/api/access"
	"stille/shared/feedback/hook"
	"stille/shared/operator"
	"stille/shared/suppression"
)

// What the program ends with.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitHalted
	exitNo
)

// errNo ends a command whose answer, which is printed, is a no.
var errNo = errors.New("the answer is no")

// exitCode is what the program ends with after an error, or after none.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, operator.ErrHalted):
		return exitHalted
	case errors.Is(err, errNo):
		return exitNo
	case errors.As(err, new(operator.Mistake)):
		return exitUsage
	}
	return exitFailed
}

// options are the flags of every command.
type options struct {
	JSON  bool   `name:"json" group:"Flags of every command:" help:"Answer in JSON, one value a line."`
	All   bool   `name:"all" group:"Flags of every command:" help:"Show long lists whole."`
	Stack string `default:"${stack}" group:"Flags of every command:" help:"Name of the stack."`
	Local string `name:"stack-file" check:"file" xor:"where" group:"Flags of every command:" placeholder:"FILE" help:"Work on this local stack; the default is .local/stack.json, at or above the working directory."`
	AWS   bool   `name:"aws" xor:"where" group:"Flags of every command:" help:"Work on AWS, even if there is a local stack."`

	Version kong.VersionFlag `group:"Flags of every command:" help:"Print the version of this program."`
}

type commands struct {
	options

	Status      status          `cmd:"" help:"How everything stands, and the next command to type."`
	Doctor      doctor          `cmd:"" help:"What is wrong with the stack or its account, and what to type."`
	Report      report          `cmd:"" help:"A month as one HTML page: opt-outs, deletions, holds, faults."`
	Due         due             `cmd:"" help:"When a record that started then must be gone."`
	Normalise   normalise       `cmd:"" help:"How the system reads an address."`
	SMSReply    smsReply        `cmd:"" name:"sms-reply" help:"What a reply to an SMS would do."`
	Check       check           `cmd:"" help:"May a message be sent to a contact?"`
	Add         add             `cmd:"" help:"Put a contact on the suppression list."`
	Release     releaseCmd      `cmd:"" help:"End a contact's silence, on newer consent."`
	History     history         `cmd:"" help:"Everything that happened to a contact's suppressions, verified."`
	Replay      replay          `cmd:"" help:"Bring back what a restored suppression list lacks."`
	Mend        mend            `cmd:"" help:"Repair a class's table: records that lost their place are found, withdrawn and claimed."`
	Drill       drills          `cmd:"" help:"Rehearse what must work on the day when it is needed."`
	Import      importCmd       `cmd:"" help:"Take over opt-outs from another system."`
	Export      exportCmd       `cmd:"" help:"Write the whole suppression list to a file, contacts by their keys."`
	Scrub       scrub           `cmd:"" help:"Split a list of contacts into those that may be sent to and the others."`
	Purge       purges          `cmd:"" help:"Delete what is due."`
	Hold        holds           `cmd:"" help:"Keep what is due: legal holds and restrictions."`
	Subject     subjects        `cmd:"" help:"A person's rights: export, erase, restrict, each with a receipt."`
	Certificate certificateCmd  `cmd:"" help:"The proof of a purge."`
	Proof       proof           `cmd:"" help:"What became of a record."`
	Policy      policies        `cmd:"" help:"The retention policy."`
	Keys        keyCommands     `cmd:"" help:"The key sets: list, rotate, destroy."`
	Tool        tools           `cmd:"" help:"The API keys of the marketing tools."`
	Queues      queueCommands   `cmd:"" help:"The queues: list, and retry dead letters."`
	Hook        hookCommands    `cmd:"" help:"The other systems that report opt-outs."`
	Webhook     webhookCommands `cmd:"" help:"The other systems that are told of opt-outs."`
	Completion  completion      `cmd:"" help:"Completion of commands and flags, for bash, zsh and fish."`
	Complete    complete        `cmd:"" hidden:""`
}

// helpTexts has a section for every command that needs more than the line of its
// tag; "stille" is the program's.
//
//go:embed help.txt
var helpTexts string

// sections are the sections of a text, by their titles: "# title", and the text below.
func sections(texts string) map[string]string {
	all := map[string]string{}
	for _, section := range strings.Split("\n"+texts, "\n# ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		all[title] = strings.Trim(text, "\n")
	}
	return all
}

// explain gives every command its section of the help texts.
func explain(model *kong.Application, vars kong.Vars) {
	texts := helpTexts
	for name, value := range vars {
		texts = strings.ReplaceAll(texts, "${"+name+"}", value)
	}
	help := sections(texts)
	model.Help = help[model.Name]
	for _, command := range model.Leaves(false) {
		command.Detail = help[command.Path()]
	}
}

// variables are what the help and the checks of the flags take from the code.
func variables() kong.Vars {
	withdraw, keep := suppression.ReportedWithdrawals()
	vars := kong.Vars{
		"stack": defaultStack, "version": "stille, version unknown", "reasons": join(suppression.Reported(), ","), "rights": join(access.Rights(), ","),
		"providers":   join(hook.Providers(), ","),
		"withdrawing": suppression.Enumerate(withdraw, "and"), "silencing": suppression.Enumerate(keep, "and"),
	}
	if built, ok := debug.ReadBuildInfo(); ok {
		vars["version"] = "stille " + built.Main.Version
	}
	return vars
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, s session) int {
	onlyHelp := len(args) == 0
	if onlyHelp || args[0] == "help" {
		args = append(args[min(len(args), 1):], "--help")
	}
	s.stdin = interruptible{ctx, s.stdin}
	var c commands
	var command *kong.Context
	helped := false
	parser, err := kong.New(&c,
		kong.Name("stille"),
		variables(),
		kong.Writers(s.stdout, s.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { helped = true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&s),
		kong.BindSingletonProvider(func() (*stack, error) { return s.stack(ctx) }),
		kong.BindSingletonProvider(func() (*operator.Operator, error) {
			on, err := s.stack(ctx)
			if err != nil {
				return nil, err
			}
			if goesByPolicy(command.Command()) {
				s.remarkPolicy(ctx, on)
			}
			return on.Operator, nil
		}))
	if err != nil {
		return s.end(ctx, err)
	}
	explain(parser.Model, variables())
	command, err = parser.Parse(args)
	switch {
	case helped && onlyHelp:
		return exitUsage
	case helped:
		return exitDone
	case err != nil:
		s.options.JSON = slices.Contains(args, "--json")
		message := err.Error()
		if !errors.As(err, new(operator.Mistake)) {
			message = withoutAddresses(message)
		}
		return s.end(ctx, usage("%s; see `%s --help`", message, commandOf(err)))
	}
	s.options = c.options
	return s.end(ctx, command.Run())
}

// commandOf is the command that a line could be read as, before err.
func commandOf(err error) string {
	failed := new(kong.ParseError)
	if errors.As(err, &failed) && failed.Context.Selected() != nil {
		return failed.Context.Selected().FullPath()
	}
	return "stille"
}

// Validate refuses a text that fails its check, an argument that is empty, and a flag
// that has one value and is given twice: the first value would be lost. It is not
// called where help is asked for.
func (*commands) Validate(line *kong.Context) error {
	given := map[*kong.Flag]bool{}
	for _, part := range line.Path {
		switch p, f := part.Positional, part.Flag; {
		case p != nil && p.Name != "address" && p.Target.Kind() == reflect.String && p.Target.String() == "":
			return fmt.Errorf("<%s> is empty", p.Name)
		case p != nil:
			if err := checkTexts("<"+p.Name+">", p); err != nil {
				return err
			}
		case f != nil && given[f] && f.Target.Kind() != reflect.Slice && !f.IsBool():
			return fmt.Errorf("--%s is given twice", f.Name)
		case f != nil && f.Target.Kind() == reflect.Slice && f.Target.Len() == 0:
			return fmt.Errorf("--%s is empty", f.Name)
		case f != nil:
			given[f] = true
			if err := checkTexts("--"+f.Name, f.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// goesByPolicy reports whether the policy decides what a command answers or does.
func goesByPolicy(command string) bool {
	return command == "status" || strings.HasPrefix(command, "purge plan") || strings.HasPrefix(command, "purge run")
}

// usage is an error about how the command was called.
func usage(format string, args ...any) error { return operator.Mistakef(format, args...) }

// end says what went wrong, if anything did, and returns the exit code.
func (s *session) end(ctx context.Context, err error) int {
	if err != nil && ctx.Err() != nil && !errors.Is(err, operator.ErrInterrupted) {
		err = operator.ErrInterrupted
	}
	switch {
	case err == nil || errors.Is(err, errNo):
	case s.options.JSON:
		_ = json.NewEncoder(s.stderr).Encode(map[string]any{"error": s.advised(err).Error(), "exit": exitCode(err)})
	default:
		s.say("stille: %v", s.advised(err))
	}
	return exitCode(err)
}

// What may be an address or a number in a message that repeats the command
// line. A date that is hidden does less harm than a number that is shown; a whole
// time is an example of what to type.
var personal = regexp.MustCompile(`[0-9-]{10}T[0-9:]{8}Z|[^\s"'=]*@[^\s"',]*|\+?[0-9][0-9 ().-]{4,}[0-9]`)

func withoutAddresses(message string) string {
	return personal.ReplaceAllStringFunc(message, func(found string) string {
		if _, err := time.Parse(time.RFC3339, found); err == nil {
			return found
		}
		return "…"
	})
}
