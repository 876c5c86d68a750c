// Package sesmail sends marketing through SES v2 to those who may be sent to.
//
// It promises that a message goes to one person, who was checked right before,
// that it carries both header lines of RFC 8058, in every form of content, and
// that it is sent with the configuration set and the tag by which a bounce or
// complaint reaches the brand. It refuses a message in which SES would leave the
// lines out or replace them, and a message that would show one person's link to
// another. Anything doubtful is not sent.
package sesmail

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
)

// ErrRefused is wrapped by every error; the text says what to change, and holds
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

// longestHeader is how many characters SES takes for a header's name and value
// together.
const longestHeader = 996

// The form of a scope: a brand, or a brand and a topic.
const longestScope = 64

var scopeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?$`)

// Placeholders are replaced by the person's link in the body of a Simple message,
// and are members of the data of a Template. The second is SES's own name.
const (
	placeholder    = "unsubscribeUrl"
	placeholderSES = "amazonSESUnsubscribeUrl"
)

// SES is the ordinary client of SES v2.
type SES interface {
	SendEmail(ctx context.Context, in *sesv2.SendEmailInput, options ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
	SendBulkEmail(ctx context.Context, in *sesv2.SendBulkEmailInput, options ...func(*sesv2.Options)) (*sesv2.SendBulkEmailOutput, error)
}

// Sender is the brand that sends.
type Sender struct {
	// API and SES are what Send asks and what Send sends through. AddLink needs
	// neither.
	API *client.Client
	SES SES
	// Lang is the language of the link's page; the reader's own where it is empty.
	Lang string
	// Scope is the scope that the link was minted in. The message is tagged with
	// its brand: a tag of SES cannot hold a slash.
	Scope string
	// ConfigurationSet is an SES configuration set that publishes bounces and
	// complaints to the stack's feedback topic. The stack makes one with the
	// stack's name.
	ConfigurationSet string
}

// AddLink puts the link into the message: its header lines, the configuration
// set and the brand's tag. The message must be to one person, the person of the
// link, and must share neither input nor content with another message. An error
// wraps ErrRefused, and the message is then unchanged.
func (s Sender) AddLink(in *sesv2.SendEmailInput, link client.Link) error {
	brand, err := s.brand()
	if err != nil {
		return err
	}
	if err := check(link); err != nil {
		return err
	}
	if err := s.fits(in, brand); err != nil {
		return err
	}
	if err := add(link, in.Content); err != nil {
		return err
	}
	fill(in.Content.Simple, link.URL)
	in.ConfigurationSetName = &s.ConfigurationSet
	if len(brandTags(in)) == 0 {
		in.EmailTags = slices.Concat(in.EmailTags, []types.MessageTag{{Name: aws.String(tagBrand), Value: &brand}})
	}
	return nil
}

func refused(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, a...))
}

func (s Sender) brand() (string, error) {
	if len(s.Scope) > longestScope || !scopeForm.MatchString(s.Scope) {
		return "", refused("the scope must be a brand, or a topic of one")
	}
	if s.ConfigurationSet == "" {
		return "", refused("it has no configuration set, so bounces and complaints would be lost")
	}
	brand, _, _ := strings.Cut(s.Scope, "/")
	return brand, nil
}

// check refuses a link that a mailbox provider would not take, or that could
// add another header line.
func check(l client.Link) error {
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

// fits refuses a message that cannot carry a link, apart from its content.
func (s Sender) fits(in *sesv2.SendEmailInput, brand string) error {
	switch {
	case in == nil || in.Content == nil:
		return refused("it has no content")
	case in.ListManagementOptions != nil:
		return refused("with ListManagementOptions, SES replaces the link")
	case aws.ToString(in.ConfigurationSetName) != "" && *in.ConfigurationSetName != s.ConfigurationSet:
		return refused("it has the configuration set %s, not %s", *in.ConfigurationSetName, s.ConfigurationSet)
	case slices.ContainsFunc(brandTags(in), func(tagged string) bool { return tagged != brand }):
		return refused("it is tagged with another brand than %s", brand)
	}
	if len(addressees(in.Destination)) > 1 {
		return refused("it has several recipients: a link is one person's")
	}
	return nil
}

func brandTags(in *sesv2.SendEmailInput) []string {
	var tagged []string
	for _, tag := range in.EmailTags {
		if aws.ToString(tag.Name) == tagBrand {
			tagged = append(tagged, aws.ToString(tag.Value))
		}
	}
	return tagged
}

// add puts the header lines where the form of the content has its place for
// them.
func add(l client.Link, content *types.EmailContent) error {
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
		return addHeaders(l, &content.Simple.Headers)
	case content.Template != nil:
		return addToTemplate(l, content.Template)
	default:
		return addLines(l, content.Raw)
	}
}

func addHeaders(l client.Link, headers *[]types.MessageHeader) error {
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
