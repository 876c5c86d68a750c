package sesmail

import (
	"bytes"
	"net/mail"

	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
)

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
