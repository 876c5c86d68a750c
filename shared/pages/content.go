package pages

import (
	"html/template"
	"net/http"
	"strings"

	"stille/shared/apigw"
)

// content is what the template lays out. Empty parts are left out.
type content struct {
	Lang  string
	Text  texts
	Style template.CSS

	Mark       string // the drawing above the title: see page.html
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
func (r Reader) Ask(s Subject) apigw.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead = "fading", fill(t.AskTitle), fill(t.AskLead)
	c.Continues = r.continues(s, r.channel(s).OtherTopicsAsk)
	c.Buttons = []button{{Unsubscribe, fill(t.Button), true}}
	if s.topic() {
		c.Buttons = append(c.Buttons, button{UnsubscribeAll, fill(r.channel(s).ButtonAll), false})
	}
	for _, other := range r.pages.texts {
		if other.Tag != r.text.Tag {
			c.Choices = append(c.Choices, choice{other.Tag.String(), other.Language})
		}
	}
	return r.html(http.StatusOK, c)
}

// Done says what has stopped, for good and at once. It offers to undo it where
// that would succeed.
func (r Reader) Done(s Subject, undoable bool) apigw.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead, c.After = "done", fill(t.DoneTitle), fill(t.DoneLead), r.text.AtOnce
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	if undoable {
		c.FormLead, c.Buttons = r.text.UndoLead, []button{{Resubscribe, r.text.UndoButton, false}}
	}
	return r.html(http.StatusOK, c)
}

// Undone says that nothing stops the messages any more, and offers to stop
// them again.
func (r Reader) Undone(s Subject) apigw.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead = "sound", fill(t.UndoneTitle), fill(t.UndoneLead)
	c.Buttons = []button{{Unsubscribe, fill(t.Button), false}}
	return r.html(http.StatusOK, c)
}

// Kept says that an undo was refused or not enough, and whom to ask.
func (r Reader) Kept(s Subject) apigw.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s)
	c.Mark, c.Title, c.Lead, c.After = "quiet", fill(t.KeptTitle), fill(t.KeptLead), fill(r.text.KeptWhy)
	return r.html(http.StatusOK, c)
}

// Later says, with status 503, that it did not work just now. Where a form was
// sent, action is what to send again; it is empty otherwise.
func (r Reader) Later(action string) apigw.Response {
	return r.html(http.StatusServiceUnavailable, r.failure(action))
}

// Failed is Later with status 500, for a mistake of ours.
func (r Reader) Failed() apigw.Response {
	return r.html(http.StatusInternalServerError, r.failure(""))
}

func (r Reader) failure(action string) content {
	c := content{Mark: "broken", Title: r.text.LaterTitle, Lead: r.text.LaterPage}
	if action != "" {
		c.Lead = r.text.LaterForm
		c.Buttons = []button{{action, r.text.LaterButton, true}}
	}
	return c
}

// NotFound is the one answer, with status 404, to every link that does not
// work, whatever is wrong with it.
func (r Reader) NotFound() apigw.Response {
	return r.html(http.StatusNotFound, content{Mark: "broken", Title: r.text.NotFoundTitle, Lead: r.text.NotFoundLead})
}

// about is what every page about a subject has.
func (r Reader) about(s Subject) content {
	return content{
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
