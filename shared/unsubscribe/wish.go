package unsubscribe

import (
	"bytes"
	"errors"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"stille/shared/suppression"
	"stille/shared/unsubscribe/pages"
)

// maxBody is the longest body that is read: far longer than a one-click request
// or the page's form. A longer body counts as unreadable.
const maxBody = 4 << 10

// errUnreadable means that the form fields of a body cannot be read.
var errUnreadable = errors.New("no readable form")

// wish is the request in the body of a POST.
type wish struct {
	action   string // of package pages
	topic    string // of pages.UnsubscribeTopic, as it was sent
	oneClick bool   // RFC 8058
	page     bool   // a person waits for a page, not a machine for a status
}

func (w wish) source() suppression.Source {
	if w.oneClick {
		return suppression.SourceOneClick
	}
	return suppression.SourceLink
}

// read never fails: a body that it cannot understand is a wish to unsubscribe.
// Only the exact form of the page's undo is a wish to resubscribe, and only a
// form that names no other action is a wish to stop a topic alone.
func read(contentType, accept string, body []byte) wish {
	values, err := fields(contentType, body)
	w := wish{action: pages.Unsubscribe}
	for name := range values {
		w.oneClick = w.oneClick || strings.EqualFold(name, "List-Unsubscribe")
	}
	actions := values["action"]
	only := func(action string) bool { return err == nil && !w.oneClick && slices.Equal(actions, []string{action}) }
	switch {
	case slices.Contains(actions, pages.UnsubscribeGroup):
		w.action = pages.UnsubscribeGroup
	case slices.Contains(actions, pages.UnsubscribeAll):
		w.action = pages.UnsubscribeAll
	case only(pages.UnsubscribeTopic):
		w.action = pages.UnsubscribeTopic
		if topics := values["topic"]; len(topics) == 1 {
			w.topic = strings.ToLower(strings.TrimSpace(topics[0]))
		}
	case only(pages.Resubscribe) && len(values) == 1:
		w.action = pages.Resubscribe
	}
	w.page = !w.oneClick && (len(actions) > 0 || strings.Contains(strings.ToLower(accept), "text/html"))
	return w
}

// fields returns the form fields of a body, after an error those that were read.
func fields(contentType string, body []byte) (url.Values, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	switch {
	case mediaType == "application/x-www-form-urlencoded":
		// This type has no parameter that matters.
		return url.ParseQuery(string(body))
	case err != nil || mediaType != "multipart/form-data":
		return nil, errUnreadable
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(maxBody)
	switch {
	case err != nil:
		return nil, errUnreadable
	case len(form.File) > 0:
		return form.Value, errors.Join(errUnreadable, form.RemoveAll())
	}
	return form.Value, nil
}
