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
	given := make([]string, len(in.BulkEmailEntries))
	for i, entry := range in.BulkEmailEntries {
		if to := addressees(entry.Destination); len(to) == 1 {
			given[i] = to[0]
		}
	}
	outcomes, links, err := s.begin(ctx, given)
	if err != nil {
		return nil, err
	}
	entries := make([]types.BulkEmailEntry, len(given))
	var ready []int
	for i := range entries {
		if outcomes[i].Reason != "" {
			continue
		}
		if entries[i], err = s.entry(in, i, links[i]); err != nil {
			outcomes[i].Reason, outcomes[i].Detail = Refused, err.Error()
			continue
		}
		ready = append(ready, i)
	}
	for part := range slices.Chunk(ready, atOnce) {
		if !s.sendPart(ctx, in, part, entries, links, outcomes) {
			giveUp(outcomes)
			break
		}
	}
	return outcomes, nil
}

// entry returns an entry of the request with the link, and with all tags and data
// that are the entry's: SES takes those of the request for none of its own.
func (s Sender) entry(in *sesv2.SendBulkEmailInput, i int, link client.Link) (types.BulkEmailEntry, error) {
	entry := in.BulkEmailEntries[i]
	if in.DefaultContent == nil || in.DefaultContent.Template == nil {
		return entry, refused("many are sent a Template, and it has none")
	}
	template := *in.DefaultContent.Template
	if own := entry.ReplacementEmailContent; own != nil && own.ReplacementTemplate != nil {
		template.TemplateData = cmp.Or(own.ReplacementTemplate.ReplacementTemplateData, template.TemplateData)
	}
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

// sendPart sends one call's entries to those whom the check allows. It returns
// false if the check is Unavailable.
func (s Sender) sendPart(ctx context.Context, in *sesv2.SendBulkEmailInput, part []int, entries []types.BulkEmailEntry, links []client.Link, outcomes []Outcome) bool {
	var asked, sent []*Outcome
	var asLinked []client.Link
	for _, i := range part {
		asked, asLinked = append(asked, &outcomes[i]), append(asLinked, links[i])
	}
	s.check(ctx, asked, asLinked)
	call := *in
	call.ConfigurationSetName, call.BulkEmailEntries = &s.ConfigurationSet, nil
	for n, i := range part {
		switch asked[n].Reason {
		case "":
			sent, call.BulkEmailEntries = append(sent, asked[n]), append(call.BulkEmailEntries, entries[i])
		case client.Unavailable:
			return false
		}
	}
	if len(sent) == 0 {
		return true
	}
	answer, err := s.SES.SendBulkEmail(ctx, &call)
	for n, o := range sent {
		if err != nil || answer == nil || len(answer.BulkEmailEntryResults) != len(sent) {
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
