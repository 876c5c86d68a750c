// Package sesmail puts a person's opt-out link into a message that is sent
// through SES v2, for programs in Go that send marketing.
//
// It promises that a message it has filled in carries both header lines of
// RFC 8058, whichever form its content has, and is sent with the configuration
// set and the tag by which a bounce or complaint finds its way back to the
// brand. It refuses, and then changes nothing, whatever would make SES leave
// the lines out or replace them, and whatever would put one person's link in
// front of another. It sends nothing itself.
package sesmail

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/scope"
)

// ErrRefused is wrapped by every error; the text says what to change. It holds
// no address and no link.
var ErrRefused = errors.New("the message cannot carry its opt-out link")

// The header lines of a link, as POST /v1/links names them, and the tag that
// names the brand.
const (
	headerLink = "List-Unsubscribe"
	headerPost = "List-Unsubscribe-Post"
	tagBrand   = "brand"
)

// oneClick is the whole value of headerPost (RFC 8058, 3.1).
const oneClick = "List-Unsubscribe=One-Click"

// longestHeader is what SES takes for a header's name and value together.
const longestHeader = 996

// Link is one result of POST /v1/links for an e-mail contact.
type Link struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// Sender is who sends.
type Sender struct {
	// Scope is the one the link was minted in. The message is tagged with its
	// brand: a tag of SES's cannot hold a slash.
	Scope scope.Scope
	// ConfigurationSet is an SES configuration set that publishes bounces and
	// complaints to the stack's feedback topic; the stack has one of its own
	// name.
	ConfigurationSet string
}

// AddLink puts the link into the message: its header lines, the configuration
// set and the brand's tag. The message is to one person, the one of the link,
// and each needs an input and content of its own. An error wraps ErrRefused,
// and the message is then as it was.
func (s Sender) AddLink(in *sesv2.SendEmailInput, link Link) error {
	brand, err := s.brand()
	if err != nil {
		return err
	}
	if err := link.check(); err != nil {
		return err
	}
	if err := s.fits(in, brand); err != nil {
		return err
	}
	if err := link.into(in.Content); err != nil {
		return err
	}
	in.ConfigurationSetName = &s.ConfigurationSet
	if brandTag(in) == "" {
		in.EmailTags = slices.Concat(in.EmailTags, []types.MessageTag{{Name: aws.String(tagBrand), Value: &brand}})
	}
	return nil
}

func refused(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, a...))
}

func (s Sender) brand() (string, error) {
	of, err := scope.Parse(string(s.Scope))
	if err != nil || of == scope.Everywhere {
		return "", refused("the scope must be a brand, or a topic of one")
	}
	if s.ConfigurationSet == "" {
		return "", refused("without a configuration set, no bounce and no complaint would be heard of")
	}
	return string(of.Brand()), nil
}

// check refuses a link that a mailbox provider would not take, or that could
// smuggle in a header line of its own.
func (l Link) check() error {
	for _, name := range []string{headerLink, headerPost} {
		value := l.Headers[name]
		switch {
		case value == "":
			return refused("the link has no header %s: was it minted for an e-mail contact?", name)
		case len(name)+len(value) > longestHeader:
			return refused("the header %s is longer than the %d characters that SES takes", name, longestHeader)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return refused("the header %s holds a line break or another character that no header may", name)
		}
	}
	if l.URL == "" || !strings.Contains(l.Headers[headerLink], "<"+l.URL+">") {
		return refused("the header %s does not hold the link", headerLink)
	}
	if l.Headers[headerPost] != oneClick {
		return refused("the header %s must be %s", headerPost, oneClick)
	}
	return nil
}

// fits refuses what of the message, besides its content, does not go with a
// link.
func (s Sender) fits(in *sesv2.SendEmailInput, brand string) error {
	switch {
	case in == nil || in.Content == nil:
		return refused("it has no content")
	case in.ListManagementOptions != nil:
		return refused("with ListManagementOptions, SES replaces the link by its own")
	case aws.ToString(in.ConfigurationSetName) != "" && *in.ConfigurationSetName != s.ConfigurationSet:
		return refused("it has the configuration set %s, not %s", *in.ConfigurationSetName, s.ConfigurationSet)
	case brandTag(in) != "" && brandTag(in) != brand:
		return refused("it is tagged with another brand than %s", brand)
	}
	if to := in.Destination; to != nil && len(to.ToAddresses)+len(to.CcAddresses)+len(to.BccAddresses) > 1 {
		return refused("it has several recipients: a link is one person's")
	}
	return nil
}

func brandTag(in *sesv2.SendEmailInput) string {
	for _, tag := range in.EmailTags {
		if aws.ToString(tag.Name) == tagBrand {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}

// into puts the header lines where the form of the content has its place for
// them.
func (l Link) into(content *types.EmailContent) error {
	forms := 0
	for _, given := range []bool{content.Simple != nil, content.Template != nil, content.Raw != nil} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		return refused("its content must be one of Simple, Template and Raw, and is %d of them", forms)
	}
	switch {
	case content.Simple != nil:
		return l.among(&content.Simple.Headers)
	case content.Template != nil:
		return l.among(&content.Template.Headers)
	default:
		return l.above(content.Raw)
	}
}

func (l Link) among(headers *[]types.MessageHeader) error {
	for _, header := range *headers {
		if isOurs(aws.ToString(header.Name)) {
			return refused("it has a header %s already", aws.ToString(header.Name))
		}
	}
	*headers = slices.Concat(*headers, []types.MessageHeader{
		{Name: aws.String(headerLink), Value: aws.String(l.Headers[headerLink])},
		{Name: aws.String(headerPost), Value: aws.String(l.Headers[headerPost])},
	})
	return nil
}

func isOurs(header string) bool {
	return strings.EqualFold(header, headerLink) || strings.EqualFold(header, headerPost)
}
