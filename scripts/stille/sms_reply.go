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
	return `Prints one word for each text: stop (it opts out), start (it lifts the opt-out), help (the reply says who writes), review (it asks for silence in other words: it counts as an opt-out) or ignore. Nothing is changed. Put -- before a text that begins with a dash.

    $ stille sms-reply 'Stopp!' 'STOP. Thank you' "please don't stop" Ja
    stop
    stop
    review
    ignore`
}

type smsReplyAnswer struct {
	Reply keyword.Verdict `json:"reply"`
}

// Run answers for every text.
func (r smsReply) Run(s *session) error {
	for text, err := range s.lines(r.Text) {
		if err != nil {
			return err
		}
		answer := &smsReplyAnswer{keyword.Read(text)}
		if err := show(s, answer, nil, func(w io.Writer, a *smsReplyAnswer) { fmt.Fprintln(w, a.Reply) }); err != nil {
			return err
		}
	}
	return nil
}
