package pages

import (
	"html"
	"html/template"
	"net/http"
	"strings"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
)

// content is what the template lays out. Empty parts are left out.
type content struct {
	Lang   string
	Text   *texts       `json:"-"` // named by Lang
	Colour template.CSS // the brand's style
	Logo   template.URL

	Mark       string // the drawing above the title: see page.html
	State      State
	Brand      string
	Title      string
	Lead       string
	Address    template.HTML // masked
	Exactly    string        // that no other address is meant
	Since      since
	After      string   // what follows from it
	Stands     []string // what is stopped besides
	Continues  []string
	Forms      []form
	Controller string
	Policy     string
	Contact    string
	Choices    []choice // other languages
}

// form is one form; of several buttons, each is another action.
type form struct {
	Lead    string
	Topic   string // the hidden field, where it is not empty
	Buttons []button
}

type button struct {
	Action, Label string
	Main          bool
}

// since is a sentence with a date in it.
type since struct{ Before, Instant, Date, After string }

type choice struct{ Tag, Name string }

// Ask asks whether to stop. It is the answer to a GET, which changes nothing.
// Where a topic was stopped through the link, undoable offers to take that back.
func (r Reader) Ask(s Subject, state State, undoable bool) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, state)
	c.Mark, c.Title, c.Lead = "fading", fill(t.AskTitle), fill(t.AskLead)
	c.Continues = r.continues(s, r.channel(s).OtherTopicsAsk)
	main := form{Buttons: []button{{Unsubscribe, fill(t.Button), true}}}
	if s.topic() {
		main.Buttons = append(main.Buttons, button{UnsubscribeAll, fill(r.channel(s).ButtonAll), false})
	}
	c.Forms = []form{main}
	for _, topic := range s.Topics {
		label := r.fill(Subject{Entry: topic, Brand: s.Brand})(r.text.OnlyTopic)
		c.Forms = append(c.Forms, form{Topic: topic.Scope.Topic(), Buttons: []button{{UnsubscribeTopic, label, false}}})
	}
	c.Forms = append(c.Forms, r.groupForm(s)...)
	for _, topic := range s.Stopped {
		c.Stands = append(c.Stands, r.fill(Subject{Entry: topic, Brand: s.Brand})(r.channel(s).Topic.DoneTitle))
	}
	if undoable {
		c.Forms = append(c.Forms, r.undoForm())
	}
	c.Choices = r.choices()
	return r.html(http.StatusOK, c)
}

// Stands says that the messages are stopped and since when, and offers the undo
// where it would succeed, and to stop more. It is the answer to a GET.
func (r Reader) Stands(s Subject, standing Standing) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, Stopped)
	c.Mark, c.Title, c.Lead = "done", fill(t.DoneTitle), fill(t.DoneLead)
	c.Since = r.since(standing.Since)
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	if standing.Undoable {
		c.Forms = []form{r.undoForm()}
	} else {
		c.After = fill(r.text.KeptWhy)
	}
	if s.topic() {
		c.Forms = append(c.Forms, form{Buttons: []button{{UnsubscribeAll, fill(r.channel(s).ButtonAll), false}}})
	}
	c.Forms = append(c.Forms, r.groupForm(s)...)
	c.Choices = r.choices()
	return r.html(http.StatusOK, c)
}

// Done says what has stopped, for good and at once. It offers to undo it where
// that would succeed.
func (r Reader) Done(s Subject, undoable bool) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, Stopped)
	c.Mark, c.Title, c.Lead, c.After = "done", fill(t.DoneTitle), fill(t.DoneLead), r.text.AtOnce
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	if undoable {
		c.Forms = []form{r.undoForm()}
	}
	return r.html(http.StatusOK, c)
}

// Queued says, with status 503, that the stop could not be stored just now, is
// noted, and will be carried out without anybody doing anything.
func (r Reader) Queued(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, Unknown)
	c.Mark, c.Title, c.Lead, c.After = "fading", r.text.QueuedTitle, fill(t.QueuedLead), r.text.QueuedAfter
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	return r.html(http.StatusServiceUnavailable, c)
}

// Noted is Queued about a link that could not be opened.
func (r Reader) Noted() gateway.Response {
	return r.html(http.StatusServiceUnavailable, content{Mark: "fading", Title: r.text.QueuedTitle, Lead: r.text.QueuedAfter})
}

// Undone says that nothing stops the messages any more, and offers to stop
// them again.
func (r Reader) Undone(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, Open)
	c.Mark, c.Title, c.Lead = "sound", fill(t.UndoneTitle), fill(t.UndoneLead)
	again := button{Unsubscribe, fill(t.Button), false}
	if s.several() {
		again.Action = UnsubscribeGroup
	}
	c.Forms = []form{{Buttons: []button{again}}}
	return r.html(http.StatusOK, c)
}

// Kept says that an undo was refused or not enough, and who can help.
func (r Reader) Kept(s Subject) gateway.Response {
	fill, t := r.fill(s), r.words(s)
	c := r.about(s, Stopped)
	c.Mark, c.Title, c.Lead, c.After = "quiet", fill(t.KeptTitle), fill(t.KeptLead), fill(r.text.KeptWhy)
	c.Continues = r.continues(s, r.channel(s).OtherTopics)
	return r.html(http.StatusOK, c)
}

func (r Reader) undoForm() form {
	return form{Lead: r.text.UndoLead, Buttons: []button{{Resubscribe, r.text.UndoButton, false}}}
}

// groupForm offers to stop all brands of the group, where the page may.
func (r Reader) groupForm(s Subject) []form {
	if len(s.Group) == 0 {
		return nil
	}
	s.Brands = s.Group
	return []form{{Buttons: []button{{UnsubscribeGroup, r.fill(s)(r.channel(s).Group.Button), false}}}}
}

func (r Reader) since(at time.Time) since {
	if at.IsZero() {
		return since{}
	}
	before, after, _ := strings.Cut(r.text.Since, "{since}")
	return since{before, at.UTC().Format(time.RFC3339), at.Format(r.text.Date), after}
}

// Unopened says, with status 503, that a link cannot be opened just now, and offers
// to stop everything that a link of the channel may stop.
func (r Reader) Unopened(ch contact.Channel) gateway.Response {
	stop := button{UnsubscribeAll, r.text.channel(ch).Brand.Button, true}
	return r.html(http.StatusServiceUnavailable, content{
		Mark: "broken", Title: r.text.LaterTitle, Lead: r.text.LaterPage, Forms: []form{{Buttons: []button{stop}}}, Choices: r.choices(),
	})
}

// Later says, with status 503, that it did not work just now. The action is what to
// send again, and topic its topic.
func (r Reader) Later(action, topic string) gateway.Response {
	again := form{Topic: topic, Buttons: []button{{action, r.text.LaterButton, true}}}
	return r.html(http.StatusServiceUnavailable, content{Mark: "broken", Title: r.text.LaterTitle, Lead: r.text.LaterForm, Forms: []form{again}})
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

// choices are the other languages, for pages that a GET shows. On a page that
// answers a form, the link of a language would lead back to the question.
func (r Reader) choices() []choice {
	var others []choice
	for _, other := range r.pages.texts {
		if other.Tag != r.text.Tag {
			others = append(others, choice{other.Tag, other.Language})
		}
	}
	return others
}

// about is what every page about a subject has.
func (r Reader) about(s Subject, state State) content {
	return content{
		State:  state,
		Colour: colours(s.Brand.Look),
		Logo:   template.URL(s.Brand.Look.Logo), //nolint:gosec // package scope took the picture apart
		Brand:  s.Brand.DisplayName(r.text.Tag),
		// The template would write + as &#43;, and a tag could not be found in the source.
		Address:    template.HTML(html.EscapeString(s.Contact.Masked())), //nolint:gosec // escaped
		Exactly:    r.channel(s).Exactly,
		Controller: r.fill(s)(r.text.Controller),
		Policy:     s.Brand.PolicyURL,
		Contact:    s.Brand.Contact,
	}
}

// continues lists what goes on after the opt-out.
func (r Reader) continues(s Subject, otherTopics string) []string {
	var list []string
	if s.topic() {
		list = append(list, r.fill(s)(otherTopics))
	}
	brands := s.Brands
	if !s.several() {
		brands = []scope.Entry{s.Brand}
	}
	for _, brand := range brands {
		other := r.text.otherChannel(s.Contact.Channel(), len(brand.SMSNumbers) > 0)
		list = append(list, r.fill(Subject{Brand: brand})(other))
	}
	return append(list, r.text.Service)
}

func (r Reader) channel(s Subject) *channelTexts { return r.text.channel(s.Contact.Channel()) }

// words are what the page says of the topic, the brand or the brands.
func (r Reader) words(s Subject) scopeTexts {
	t := r.channel(s).Brand
	if s.topic() {
		t = r.channel(s).Topic
	}
	if s.several() {
		t.groupTexts = r.channel(s).Group
	}
	return t
}

func (r Reader) fill(s Subject) func(string) string {
	names := make([]string, len(s.Brands))
	for i, brand := range s.Brands {
		names[i] = brand.DisplayName(r.text.Tag)
	}
	brands := strings.Join(names, ", ")
	if last := len(names) - 1; last > 0 {
		brands = strings.Join(names[:last], ", ") + r.text.And + names[last]
	}
	return filling(map[string]string{
		"brand": s.Brand.DisplayName(r.text.Tag), "brands": brands, "topic": s.Entry.DisplayName(r.text.Tag), "controller": s.Brand.Controller,
	})
}

// filling returns a function that puts values in the place of their names in
// braces. A value is not looked at again.
func filling(values map[string]string) func(string) string {
	return func(text string) string {
		var filled strings.Builder
		for {
			before, rest, found := strings.Cut(text, "{")
			filled.WriteString(before)
			if !found {
				return filled.String()
			}
			name, behind, _ := strings.Cut(rest, "}")
			value, known := values[name]
			if !known {
				filled.WriteString("{")
				text = rest
				continue
			}
			filled.WriteString(value)
			text = behind
		}
	}
}

// Scopes are the scopes that the page is about.
func (s Subject) Scopes() []scope.Scope {
	if len(s.Brands) == 0 {
		return []scope.Scope{s.Entry.Scope}
	}
	all := make([]scope.Scope, len(s.Brands))
	for i, brand := range s.Brands {
		all[i] = brand.Scope
	}
	return all
}

// several tells whether the page is about more than one brand.
func (s Subject) several() bool { return len(s.Brands) > 1 }

func (s Subject) topic() bool { return s.Entry.Scope.Topic() != "" }
