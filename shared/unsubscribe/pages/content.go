package pages

import (
	"html/template"
	"net/http"
	"strings"

	"stille/shared/api/gateway"
)

// content is what the template lays out. Empty parts are left out.
type content struct {
	Lang  string
	Text  texts
	Style template.CSS

	Mark       string // the drawing above the title: see page.html
	Brand      string
	Title      string
	Lead       string
	Address    string // masked
	After      string // what follows from it
	Continues  []string
	FormLead   string
	Buttons    []button
	Controller string
	Policy     string
	Contact    string
	Choices    []choice // other languages
}

type button struct {
	Action, Label string
	Main          bool
}

type choice struct{ Tag, Name string }

// Ask asks whether to stop. It is the answer to a GET, which changes nothing.
func (r Reader) Ask(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead = "fading", fill(t.AskTitle), fill(t.AskLead)
	c.Continues = r.continues(s, r.channel(s).OtherTopicsAsk)
	c.Buttons = []button{{Unsubscribe, fill(t.Button), true}}
	if s.topic() {
		c.Buttons = append(c.Buttons, button{UnsubscribeAll, fill(r.channel(s).ButtonAll), false})
	}
	c.Choices = r.choices()
	return r.html(http.StatusOK, c)
}

// Done says what has stopped, for good and at once. It offers to undo it where
// that would succeed.
func (r Reader) Done(s Subject, undoable bool) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead, c.After = "done", fill(t.DoneTitle), fill(t.DoneLead), r.text.AtOnce
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	if undoable {
		c.FormLead, c.Buttons = r.text.UndoLead, []button{{Resubscribe, r.text.UndoButton, false}}
	}
	return r.html(http.StatusOK, c)
}

// Queued says, with status 503, that the stop could not be stored just now, is
// noted, and will be carried out without anybody doing anything.
func (r Reader) Queued(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead, c.After = "fading", r.text.QueuedTitle, fill(t.QueuedLead), r.text.QueuedAfter
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	return r.html(http.StatusServiceUnavailable, c)
}

// Undone says that nothing stops the messages any more, and offers to stop
// them again.
func (r Reader) Undone(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead = "sound", fill(t.UndoneTitle), fill(t.UndoneLead)
	c.Buttons = []button{{Unsubscribe, fill(t.Button), false}}
	return r.html(http.StatusOK, c)
}

// Kept says that an undo was refused or not enough, and whom to ask.
func (r Reader) Kept(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead, c.After = "quiet", fill(t.KeptTitle), fill(t.KeptLead), fill(r.text.KeptWhy)
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	return r.html(http.StatusOK, c)
}

// Later says, with status 503, that it did not work just now. Where a form was
// sent, action is what to send again; it is empty otherwise.
func (r Reader) Later(action string) gateway.Response {
	c := content{Mark: "broken", Title: r.text.LaterTitle, Lead: r.text.LaterPage}
	if action == "" {
		c.Choices = r.choices()
	} else {
		c.Lead, c.Buttons = r.text.LaterForm, []button{{action, r.text.LaterButton, true}}
	}
	return r.html(http.StatusServiceUnavailable, c)
}

// Failed says, with status 500, that a mistake of ours leaves open whether a
// form that was sent has done anything.
func (r Reader) Failed() gateway.Response {
	return r.html(http.StatusInternalServerError, content{Mark: "broken", Title: r.text.LaterTitle, Lead: r.text.FailedLead})
}

// NotFound is the one answer, with status 404, to every link that does not
// work, whatever is wrong with it.
func (r Reader) NotFound() gateway.Response {
	return r.html(http.StatusNotFound, content{
		Mark: "broken", Title: r.text.NotFoundTitle, Lead: r.text.NotFoundLead, Choices: r.choices(),
	})
}

// choices are the other languages, for pages that a GET shows: a link to one
// that answers a form would lead back to the question.
func (r Reader) choices() []choice {
	var others []choice
	for _, other := range r.pages.texts {
		if other.Tag != r.text.Tag {
			others = append(others, choice{other.Tag.String(), other.Language})
		}
	}
	return others
}

// about is what every page about a subject has.
func (r Reader) about(s Subject) content {
	return content{
		Brand:      s.Brand.DisplayName(r.text.Tag.String()),
		Address:    s.Contact.Masked(),
		Controller: r.fill(s)(r.text.Controller),
		Policy:     s.Brand.PolicyURL,
		Contact:    s.Brand.Contact,
	}
}

// continues lists what goes on all the same.
func (r Reader) continues(s Subject, otherTopics string) []string {
	list := []string{r.channel(s).OtherChannel, r.text.Service}
	if s.topic() {
		list = append([]string{otherTopics}, list...)
	}
	for i := range list {
		list[i] = r.fill(s)(list[i])
	}
	return list
}

func (r Reader) channel(s Subject) channelTexts { return r.text.channel(s.Contact.Channel()) }

func (r Reader) words(s Subject) scopeTexts { return r.channel(s).scope(s.topic()) }

func (r Reader) fill(s Subject) func(string) string {
	lang := r.text.Tag.String()
	return strings.NewReplacer(
		"{brand}", s.Brand.DisplayName(lang),
		"{topic}", s.Entry.DisplayName(lang),
		"{controller}", s.Brand.Controller,
	).Replace
}

func (s Subject) topic() bool { return s.Entry.Scope.Topic() != "" }
