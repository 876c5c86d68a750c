package sesmail

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"stille/shared/sdk/go"
)

// Reasons of an Outcome, beside those of a check.
const (
	InvalidAddress = "invalid-address"
	NoLink         = "no-link" // there is no link of this recipient
	Refused        = "refused" // the message cannot carry its link: see Detail
	Failed         = "failed"  // SES did not say that it took the message: see Detail
)

// Outcome is what became of the message to one recipient. The zero Outcome says
// that nothing was sent.
type Outcome struct {
	Recipient client.Contact
	Sent      bool
	MessageID string // of SES
	Reason    string // why it was not sent
	Detail    string // holds no address
}

// Send sends a message to each recipient of its Destination who may be sent to.
// It returns an Outcome for each: those of To, then Cc, then Bcc. Each recipient
// gets a copy with a link that is theirs, and is checked right before the call of
// SES. Where a check is Unavailable, those who follow are not asked about. Send
// returns an error if it cannot begin; the input is not changed.
func (s Sender) Send(ctx context.Context, in *sesv2.SendEmailInput) ([]Outcome, error) {
	if in == nil || len(addressees(in.Destination)) == 0 {
		return nil, refused("it names no recipient in Destination")
	}
	if err := s.canSend(); err != nil {
		return nil, err
	}
	given := addressees(in.Destination)
	outcomes := start(given)
	links := s.links(ctx, outcomes)
	for i := range outcomes {
		if outcomes[i].Reason == "" {
			s.sendOne(ctx, copied(in, given[i]), links[i], &outcomes[i])
		}
		if outcomes[i].Reason == client.Unavailable {
			giveUp(outcomes[i+1:])
		}
	}
	return outcomes, nil
}

func (s Sender) canSend() error {
	if s.API == nil || s.SES == nil {
		return errors.New("sesmail: a Sender needs its API and its SES to send")
	}
	return nil
}

func addressees(to *types.Destination) []string {
	if to == nil {
		return nil
	}
	return slices.Concat(to.ToAddresses, to.CcAddresses, to.BccAddresses)
}

// start returns an outcome for each recipient. A recipient who is not clear has
// a reason.
func start(given []string) []Outcome {
	outcomes := make([]Outcome, len(given))
	for i, recipient := range given {
		outcomes[i] = Outcome{Recipient: client.Contact{Channel: client.Email, Address: address(recipient)}}
		if outcomes[i].Recipient.Address == "" {
			outcomes[i].Reason = InvalidAddress
		}
	}
	return outcomes
}

// links mints a link for every recipient. Where there is none, the outcome says
// why.
func (s Sender) links(ctx context.Context, outcomes []Outcome) []client.Link {
	links := make([]client.Link, len(outcomes))
	var asked []client.Contact
	var places []int
	for i, o := range outcomes {
		if o.Reason == "" {
			asked, places = append(asked, o.Recipient), append(places, i)
		}
	}
	minted, err := s.API.Links(ctx, client.LinkOrder{Scope: s.Scope, Lang: s.Lang, Contacts: asked})
	for n, i := range places {
		links[i] = minted[n]
		switch {
		case err != nil:
			outcomes[i].Reason, outcomes[i].Detail = client.Unavailable, err.Error()
		case links[i].URL == "":
			outcomes[i].Reason, outcomes[i].Detail = NoLink, links[i].Reason
		}
	}
	return links
}

// sendOne sends a message to one recipient, if the check says yes.
func (s Sender) sendOne(ctx context.Context, message *sesv2.SendEmailInput, link client.Link, o *Outcome) {
	if err := s.AddLink(message, link); err != nil {
		o.Reason, o.Detail = Refused, err.Error()
		return
	}
	if s.check(ctx, place{Outcome: o, link: link}); o.Reason != "" {
		return
	}
	sent, err := s.SES.SendEmail(ctx, message)
	if err != nil || sent == nil || aws.ToString(sent.MessageId) == "" {
		o.Reason, o.Detail = Failed, code(err)
		return
	}
	o.Sent, o.MessageID = true, *sent.MessageId
}

// place is a recipient who has a link.
type place struct {
	*Outcome
	link  client.Link
	entry types.BulkEmailEntry // of a bulk
}

// check asks about the recipients in one call. The outcome of a recipient who may
// not be sent to says why.
func (s Sender) check(ctx context.Context, places ...place) {
	asked := make([]client.Contact, len(places))
	for i, p := range places {
		asked[i] = p.Recipient
	}
	results, err := s.API.Check(ctx, client.Question{Scope: s.Scope, Contacts: asked})
	for i, p := range places {
		switch {
		case err != nil:
			p.Reason, p.Detail = client.Unavailable, err.Error()
		case !results[i].MaySend():
			p.Reason = results[i].Reason
		case results[i].Key != p.link.Key:
			p.Reason, p.Detail = client.Unavailable, "the link has the key of another contact"
		}
	}
}

// code is SES's name of an error. The text of the error may hold an address.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return "SES answered " + api.ErrorCode()
	}
	return "SES gave no answer that can be used"
}

func giveUp(rest []Outcome) {
	for i := range rest {
		if rest[i].Reason == "" {
			rest[i].Reason = client.Unavailable
		}
	}
}

// copied returns a message to one recipient that shares nothing with the input
// that AddLink changes.
func copied(in *sesv2.SendEmailInput, recipient string) *sesv2.SendEmailInput {
	message := *in
	message.Destination = &types.Destination{ToAddresses: []string{recipient}}
	if in.Content != nil {
		content := *in.Content
		content.Simple, content.Template, content.Raw = clone(content.Simple), clone(content.Template), clone(content.Raw)
		message.Content = &content
	}
	return &message
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	copied := *p
	return &copied
}

// The two forms of a recipient: an address, or a name and an address in angle
// brackets.
var recipientForm = regexp.MustCompile(`^\s*(?:(?:"(?:[^"\\]|\\.)*"|[^<>,;:"@]*)\s*<([^<>\s,;:"]+@[^<>\s,;:"@]+)>|([^<>\s,;:"]+@[^<>\s,;:"@]+))\s*$`) //nolint:gochecknoglobals // a constant

// address returns the address of a recipient, or nothing if it is not clear.
func address(recipient string) string {
	found := recipientForm.FindStringSubmatch(recipient)
	if found == nil {
		return ""
	}
	return found[1] + found[2]
}
