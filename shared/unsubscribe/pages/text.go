package pages

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"

	"golang.org/x/text/language"

	"stille/shared/contact"
)

// texts is all that the pages say in one language: one file in text/, named by
// its BCP 47 tag. Whole sentences, so that a language may order and inflect
// them as it must; {brand}, {brands}, {topic}, {controller} and {since} are filled in.
type texts struct {
	Tag string `json:"-"`

	Language string       `json:"language"` // its own name
	Email    channelTexts `json:"email"`
	SMS      channelTexts `json:"sms"`

	GoesOn  string `json:"goesOn"`
	Service string `json:"service"`
	AtOnce  string `json:"atOnce"`

	SMSOrAnswer string `json:"smsOrAnswer"` // email.otherChannel of a brand that takes answers
	OnlyTopic   string `json:"onlyTopic"`
	Since       string `json:"since"`
	Date        string `json:"date"` // a layout of package time
	And         string `json:"and"`  // before the last name of a list

	QueuedTitle string `json:"queuedTitle"`
	QueuedAfter string `json:"queuedAfter"`

	UndoLead   string `json:"undoLead"`
	UndoButton string `json:"undoButton"`
	KeptWhy    string `json:"keptWhy"`

	LaterTitle  string `json:"laterTitle"`
	LaterForm   string `json:"laterForm"`
	LaterPage   string `json:"laterPage"`
	LaterButton string `json:"laterButton"`
	FailedLead  string `json:"failedLead"`

	NotFoundTitle string `json:"notFoundTitle"`
	NotFoundLead  string `json:"notFoundLead"`

	Controller string `json:"controller"`
	Policy     string `json:"policy"`
	Contact    string `json:"contact"`
	Languages  string `json:"languages"`
}

type channelTexts struct {
	Brand          scopeTexts `json:"brand"` // of a link that stops all marketing of a brand
	Topic          scopeTexts `json:"topic"` // of a link that stops one topic
	Group          groupTexts `json:"group"` // of several brands
	Exactly        string     `json:"exactly"`
	ButtonAll      string     `json:"buttonAll"`
	OtherTopicsAsk string     `json:"otherTopicsAsk"` // while both buttons are there
	OtherTopics    string     `json:"otherTopics"`
	OtherChannel   string     `json:"otherChannel"`
}

type scopeTexts struct {
	groupTexts
	AskTitle   string `json:"askTitle"`
	AskLead    string `json:"askLead"`
	UndoneLead string `json:"undoneLead"`
	KeptTitle  string `json:"keptTitle"`
	KeptLead   string `json:"keptLead"`
}

type groupTexts struct {
	Button      string `json:"button"`
	DoneTitle   string `json:"doneTitle"`
	DoneLead    string `json:"doneLead"`
	UndoneTitle string `json:"undoneTitle"`
	QueuedLead  string `json:"queuedLead"`
}

func (t *texts) channel(ch contact.Channel) *channelTexts {
	switch ch {
	case contact.Email:
		return &t.Email
	case contact.SMS:
		return &t.SMS
	}
	return &channelTexts{}
}

// otherChannel says how to stop the other channel of a brand, which takes answers
// to its SMS or does not.
func (t *texts) otherChannel(ch contact.Channel, takesAnswers bool) string {
	switch ch {
	case contact.Email:
		if takesAnswers {
			return t.SMSOrAnswer
		}
	case contact.SMS:
	}
	return t.channel(ch).OtherChannel
}

//go:embed text/*.json
var textFiles embed.FS

// english is what a reader gets whose languages we do not have.
const english = "text/en.json"

// loadTexts reads every language, English first.
func loadTexts() ([]texts, error) {
	files, err := textFiles.ReadDir("text")
	if err != nil {
		return nil, fmt.Errorf("listing the pages' languages: %w", err)
	}
	names := []string{english}
	for _, f := range files {
		if name := "text/" + f.Name(); name != english {
			names = append(names, name)
		}
	}
	all := make([]texts, 0, len(names))
	for _, name := range names {
		content, err := textFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the pages' texts: %w", err)
		}
		t, err := parseTexts(strings.TrimSuffix(path.Base(name), ".json"), content)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// parseTexts refuses a text that is missing, unknown, or has braces left that
// nothing fills in.
func parseTexts(tag string, content []byte) (texts, error) {
	var t texts
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return texts{}, err
	}
	if _, err := language.Parse(tag); err != nil {
		return texts{}, err
	}
	t.Tag = tag
	filled := strings.NewReplacer("{brand}", "", "{brands}", "", "{topic}", "", "{controller}", "", "{since}", "")
	var faults []string
	eachText(reflect.ValueOf(t), func(name, value string) {
		if value == "" || strings.ContainsAny(filled.Replace(value), "{}") {
			faults = append(faults, name)
		}
	})
	if len(faults) > 0 {
		return texts{}, fmt.Errorf("missing or with a placeholder nobody fills in: %s", strings.Join(faults, ", "))
	}
	return t, nil
}

// eachText calls yield with every text and its path in the file.
func eachText(v reflect.Value, yield func(name, value string)) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		switch field := v.Field(i); {
		case name == "-":
		case name == "": // embedded
			eachText(field, yield)
		case field.Kind() == reflect.Struct:
			eachText(field, func(below, value string) { yield(name+"."+below, value) })
		default:
			yield(name, field.String())
		}
	}
}
