package sesmail

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
)

// atOnce is how many entries SES takes in one call.
const atOnce = 50

// SendBulk sends the entries of a request, any number, to those who may be sent
// to, fifty in one call of SES. It returns an Outcome for each entry. An entry has
// one recipient, whose link is in the headers and in the data of the template. The
// recipients of a call are checked together, right before the call. Where a check
// is Unavailable, those who follow are not asked about. SendBulk returns an error
// if it cannot begin; the input is not changed.
func (s Sender) SendBulk(ctx context.Context, in *sesv2.SendBulkEmailInput) ([]Outcome, error) {
	if in == nil || len(in.BulkEmailEntries) == 0 {
		return nil, refused("it has no entries")
	}
	if err := s.canSend(); err != nil {
		return nil, err
	}
	var outcomes []Outcome
	down := false
	for part := range slices.Chunk(in.BulkEmailEntries, atOnce) {
		given := make([]string, len(part))
		for i, entry := range part {
			if to := addressees(entry.Destination); len(to) == 1 {
				given[i] = to[0]
			}
		}
		some := start(given)
		if down {
			giveUp(some)
		} else {
			down = !s.sendPart(ctx, in, part, some)
		}
		outcomes = append(outcomes, some...)
	}
	return outcomes, nil
}

// entry returns an entry of the request with the link, and with all tags and data
// that are the entry's: SES takes those of the request where an entry has none.
func (s Sender) entry(in *sesv2.SendBulkEmailInput, entry types.BulkEmailEntry, link client.Link) (types.BulkEmailEntry, error) {
	if in.DefaultContent == nil || in.DefaultContent.Template == nil {
		return entry, refused("many are sent a Template, and it has none")
	}
	template := *in.DefaultContent.Template
	data := aws.ToString(template.TemplateData)
	if own := entry.ReplacementEmailContent; own != nil && own.ReplacementTemplate != nil {
		data = cmp.Or(aws.ToString(own.ReplacementTemplate.ReplacementTemplateData), data)
	}
	template.TemplateData = &data
	template.Headers = entry.ReplacementHeaders
	message := sesv2.SendEmailInput{
		Destination: entry.Destination, ConfigurationSetName: in.ConfigurationSetName,
		Content: &types.EmailContent{Template: &template}, EmailTags: slices.Clone(entry.ReplacementTags),
	}
	for _, tag := range in.DefaultEmailTags {
		named := func(own types.MessageTag) bool { return aws.ToString(own.Name) == aws.ToString(tag.Name) }
		if !slices.ContainsFunc(entry.ReplacementTags, named) {
			message.EmailTags = append(message.EmailTags, tag)
		}
	}
	err := s.AddLink(&message, link)
	entry.ReplacementHeaders, entry.ReplacementTags = template.Headers, message.EmailTags
	entry.ReplacementEmailContent = &types.ReplacementEmailContent{
		ReplacementTemplate: &types.ReplacementTemplate{ReplacementTemplateData: template.TemplateData},
	}
	return entry, err
}

// sendPart sends one call's entries to the recipients that the check allows. It returns
// false if the API is unavailable: then nobody of the part is sent to.
func (s Sender) sendPart(ctx context.Context, in *sesv2.SendBulkEmailInput, part []types.BulkEmailEntry, outcomes []Outcome) bool {
	var places []place
	for i, link := range s.links(ctx, outcomes) {
		o := &outcomes[i]
		if o.Reason != "" {
			continue
		}
		entry, err := s.entry(in, part[i], link)
		if err != nil {
			o.Reason, o.Detail = Refused, err.Error()
			continue
		}
		places = append(places, place{o, link, entry})
	}
	s.check(ctx, places...)
	if slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Reason == client.Unavailable }) {
		giveUp(outcomes)
		return false
	}
	places = slices.DeleteFunc(places, func(p place) bool { return p.Reason != "" })
	if len(places) == 0 {
		return true
	}
	call := *in
	call.ConfigurationSetName, call.BulkEmailEntries = &s.ConfigurationSet, nil
	for _, p := range places {
		call.BulkEmailEntries = append(call.BulkEmailEntries, p.entry)
	}
	answer, err := s.SES.SendBulkEmail(ctx, &call)
	for n, o := range places {
		if err != nil || answer == nil || len(answer.BulkEmailEntryResults) != len(places) {
			o.Reason, o.Detail = Failed, code(err)
			continue
		}
		switch result := answer.BulkEmailEntryResults[n]; {
		case result.Status != types.BulkEmailStatusSuccess:
			o.Reason, o.Detail = Failed, "SES answered "+string(result.Status)
		case aws.ToString(result.MessageId) == "":
			o.Reason, o.Detail = Failed, code(nil)
		default:
			o.Sent, o.MessageID = true, *result.MessageId
		}
	}
	return true
}
