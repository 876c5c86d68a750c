package sesmail

import (
	"bytes"
	"encoding/json"
	"html"
	"net/mail"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
)

// fill replaces the placeholders in the bodies of a message.
func fill(message *types.Message, url string) {
	if message == nil || message.Body == nil {
		return
	}
	body := *message.Body
	body.Text = filled(body.Text, url)
	body.Html = filled(body.Html, html.EscapeString(url))
	message.Body = &body
}

func filled(part *types.Content, url string) *types.Content {
	if part == nil || part.Data == nil {
		return part
	}
	copied := *part
	copied.Data = aws.String(strings.NewReplacer("{{"+placeholder+"}}", url, "{{"+placeholderSES+"}}", url).Replace(*part.Data))
	return &copied
}

// addToTemplate adds the headers, and the link to the data of the template.
func addToTemplate(l client.Link, template *types.Template) error {
	data := strings.TrimSpace(aws.ToString(template.TemplateData))
	if data == "" {
		data = "{}"
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(data), &members) != nil || members == nil {
		return refused("its TemplateData is not a JSON object")
	}
	added, err := json.Marshal(map[string]string{placeholder: l.URL, placeholderSES: l.URL})
	if err != nil {
		return refused("the link cannot be written as JSON")
	}
	for _, name := range []string{placeholder, placeholderSES} {
		if _, ok := members[name]; ok {
			return refused("its TemplateData has a member %s already", name)
		}
	}
	if err := addHeaders(l, &template.Headers); err != nil {
		return err
	}
	separator := ","
	if len(members) == 0 {
		separator = ""
	}
	// The caller's own members stay as they are written.
	data = strings.TrimRight(strings.TrimSuffix(data, "}"), " \t\r\n") + separator + strings.TrimPrefix(string(added), "{")
	template.TemplateData = &data
	return nil
}

// addLines puts the header lines above those of a MIME message, with the
// message's own line ends.
func addLines(l client.Link, raw *types.RawMessage) error {
	message, err := mail.ReadMessage(bytes.NewReader(raw.Data))
	if err != nil || len(message.Header) == 0 { // its text quotes the message
		return refused("its raw data does not begin with header lines")
	}
	for name := range message.Header {
		if isOurs(name) {
			return refused("it has a header %s already", name)
		}
	}
	if len(message.Header["Dkim-Signature"]) > 0 {
		return refused("it is signed already, and the signature would not cover the link: sign it afterwards")
	}
	if recipients(message.Header) > 1 {
		return refused("it has several recipients: a link is one person's")
	}
	end := "\n"
	if first, _, _ := bytes.Cut(raw.Data, []byte("\n")); bytes.HasSuffix(first, []byte("\r")) {
		end = "\r\n"
	}
	lines := headerLink + ": " + l.Headers[headerLink] + end + headerPost + ": " + l.Headers[headerPost] + end
	raw.Data = append([]byte(lines), raw.Data...)
	return nil
}

// recipients counts the people that the message names. A line that cannot be
// read counts for two: it may name several.
func recipients(header mail.Header) int {
	n := 0
	for _, name := range []string{"To", "Cc", "Bcc"} {
		if header.Get(name) == "" {
			continue
		}
		if list, err := header.AddressList(name); err == nil {
			n += len(list)
		} else {
			n += 2
		}
	}
	return n
}
