package main

import (
	"fmt"
	"io"

	"stille/shared/sms/keyword"
)

type smsReply struct {
	Text words `arg:"" optional:"" help:"What somebody writes back. Standard input, one a line, where none is given."`
}

// Help says what the answers mean.
func (smsReply) Help() string {
	return `Prints one word a text: stop (it opts out), start (it lifts that), help (it is answered with who writes), review (it has a word in it that opts out, and counts as an opt-out) or ignore. Nothing is changed. Put -- before a text that begins with a dash.

    $ stille sms-reply 'Stopp!' 'STOP. Thank you' "please don't stop" Ja
    stop
    stop
    review
    ignore`
}

type smsReplyAnswer struct {
	Reply keyword.Verdict `json:"reply"`
}

func (a smsReplyAnswer) text(w io.Writer) { fmt.Fprintln(w, a.Reply) }

// Run answers for every text.
func (r smsReply) Run(s *session) error {
	for text, err := range s.lines(r.Text) {
		if err != nil {
			return err
		}
		if err := s.show(smsReplyAnswer{keyword.Read(text)}); err != nil {
			return err
		}
	}
	return nil
}
