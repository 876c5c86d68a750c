package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/reference"
	"stille/shared/retention"
	"stille/shared/webhook"
)

// checks are the checks of texts, by the tag "check" of an argument or flag. A text
// that is refused reaches no use case.
func checks() map[string]func(text string) error {
	return map[string]func(text string) error{
		"file":      files.Check,
		"keyid":     checkKeyID,
		"list":      func(text string) error { _, err := files.ListFormat(text); return err },
		"month":     func(text string) error { _, err := operator.ParseMonth(text); return err },
		"plan":      operator.CheckPlanHash,
		"record":    retention.CheckID,
		"reference": reference.Check,
		"url":       func(text string) error { return webhook.CheckURL(text, true) }, // a stack on AWS refuses more
	}
}

// checkTexts checks the texts of an argument or flag, which has this name in errors.
func checkTexts(name string, of *kong.Value) error {
	check := checks()[of.Tag.Get("check")]
	if check == nil {
		return nil
	}
	texts, several := of.Target.Interface().([]string)
	if !several {
		texts = []string{of.Target.String()}
	}
	for _, text := range texts {
		if err := check(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func checkKeyID(text string) error {
	if len(text) != 8 || strings.Trim(text, "0123456789abcdef") != "" {
		return errors.New("a key's id is 8 hexadecimal digits; `stille keys list` shows them")
	}
	return nil
}

// regional is the flag of commands that read numbers.
type regional struct {
	Region string `placeholder:"NO" help:"Country, two letters, of a number without + or 00."`
}

// Validate refuses what cannot be a region.
func (r regional) Validate() error {
	if contact.CheckRegion(r.Region) != nil {
		return errors.New("--region: must be two letters, like NO")
	}
	return nil
}

// anyone is a contact as the operator types it, readable or not.
type anyone struct {
	Channel contact.Channel `arg:"" enum:"email,sms" help:"email or sms."`
	Address string          `arg:"" help:"The address or number; put -- before an address that begins with a dash."`
	regional
}

func (a anyone) named() operator.Person {
	return operator.Person{Channel: a.Channel, Address: a.Address, Region: a.Region}
}

// person is a contact whose address can be read.
type person struct{ anyone }

// Validate refuses an address that cannot be read.
func (p person) Validate() error { return p.named().Check() }

// period is a flag like P6M.
type period struct{ retention.Period }

// UnmarshalText reads the flag.
func (p *period) UnmarshalText(text []byte) (err error) {
	p.Period, err = retention.ParsePeriod(string(text))
	return err
}

// zone is a flag like Europe/Oslo.
type zone struct{ *time.Location }

// UnmarshalText reads the flag.
func (z *zone) UnmarshalText(text []byte) (err error) {
	name := string(text)
	z.Location, err = time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return errors.New("must be a zone of the IANA database, like Europe/Oslo")
	}
	return nil
}

// instant is a flag that names a moment; zero where it was not given.
type instant struct{ time.Time }

// UnmarshalText reads the flag.
func (i *instant) UnmarshalText(text []byte) (err error) {
	if i.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return errors.New("must be a time like 2026-11-20T08:00:00Z")
	}
	return nil
}

// pairs are a repeatable flag with two values: --contact CHANNEL ADDRESS. A value
// may begin with a dash, not with two.
type pairs []pair

type pair struct{ first, second string }

// Decode takes both values off the command line.
func (p *pairs) Decode(ctx *kong.DecodeContext) error {
	var values [2]string
	for i := range values {
		token := ctx.Scan.Pop()
		text, ok := token.Value.(string)
		if !ok || token.Type == kong.UntypedToken && strings.HasPrefix(text, "--") {
			return errors.New("needs two values, " + ctx.Value.Flag.PlaceHolder)
		}
		values[i] = text
	}
	*p = append(*p, pair{values[0], values[1]})
	return nil
}

// words are all arguments that are left. Behind -- they may begin with a dash.
type words []string

// Decode takes the words off the command line.
func (w *words) Decode(ctx *kong.DecodeContext) error {
	all := false
	for !ctx.Scan.Peek().IsEOL() {
		token := ctx.Scan.Peek()
		text, _ := token.Value.(string)
		switch {
		case !all && token.Type == kong.UntypedToken && text == "--":
			all = true
			ctx.Scan.Pop()
			continue
		case !all && !token.IsValue():
			return nil
		}
		ctx.Scan.Pop()
		*w = append(*w, text)
	}
	return nil
}
