package keyword

import (
	"time"

	"stille/shared/scope"
	"stille/shared/suppression"
)

// Changes returns what a reply to the number of a scope does to the suppression
// list. START lifts what a reply or a link did, and nothing else.
func (v Verdict) Changes(in scope.Scope, at time.Time) []suppression.Change {
	c := suppression.Change{Action: suppression.Suppress, Scope: in, Reason: suppression.Stop, At: at, Source: suppression.SourceSMS}
	switch v {
	case Stop:
		return []suppression.Change{c}
	case Review:
		c.Source = suppression.SourceSMSReview
		return []suppression.Change{c}
	case Start:
		c.Action = suppression.Release
		unsubscribed := c
		unsubscribed.Reason = suppression.Unsubscribed
		return []suppression.Change{c, unsubscribed}
	case Help, Ignore:
		return nil
	}
	return nil
}

// Answer is which text a reply is answered with.
type Answer string

// The answers there are.
const (
	Silence      Answer = "" // no text
	Stopped      Answer = "stopped"
	Started      Answer = "started"
	StillStopped Answer = "still-stopped" // START lifted what it may, and something else still stops marketing
	Helped       Answer = "help"
	Unmatched    Answer = "unmatched" // the text of help: the reply leads to nothing
)

// Rest is for how long a number gets no second text of a kind.
type Rest struct {
	Of  Answer
	For time.Duration
}

// Rests returns what must not have been sent lately, for the answer to be sent. A
// telephone that answers by itself gets one text, and a person who is in a hurry
// too.
func (a Answer) Rests() []Rest {
	switch a {
	case Stopped, Helped:
		return []Rest{{a, time.Hour}}
	case Unmatched:
		return []Rest{{Unmatched, 30 * 24 * time.Hour}, {Helped, time.Hour}}
	case Silence, Started, StillStopped:
		return nil
	}
	return nil
}

// Answer returns what is true of the contact once the reply's changes are made:
// known is then on the list. The order in which replies arrive does not matter.
func (v Verdict) Answer(known suppression.Item, in scope.Scope, at time.Time) Answer {
	silent := !suppression.Decide(known, suppression.Marketing, in).Send
	switch v {
	case Help:
		return Helped
	case Start:
		if silent {
			return StillStopped
		}
		return Started
	case Stop:
		if silent {
			return Stopped
		}
	case Review:
		// Only a reply that began the silence is answered: an answering machine
		// that tells how to stop would be answered for ever.
		if silent && known.Marks[in][suppression.Stop].First.Equal(at) {
			return Stopped
		}
	case Ignore:
		return Unmatched
	}
	return Silence
}
