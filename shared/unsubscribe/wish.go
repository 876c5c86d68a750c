package unsubscribe

import (
	"bytes"
	"errors"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"stille/shared/unsubscribe/pages"
)

// maxBody is the longest body that is read: far longer than a one-click request
// or the page's form. A longer body counts as unreadable.
const maxBody = 4 << 10

// errUnreadable means that the form fields of a body cannot be read.
var errUnreadable = errors.New("no readable form")

// wish is the request in the body of a POST.
type wish struct {
	action   string // pages.Unsubscribe, UnsubscribeAll or Resubscribe
	oneClick bool   // RFC 8058
	page     bool   // a person waits for a page, not a machine for a status
}

// read never fails: a body that it cannot understand is a wish to unsubscribe.
// Only the exact form of the page's undo is a wish to resubscribe.
func read(contentType, accept string, body []byte) wish {
	values, err := fields(contentType, body)
	w := wish{action: pages.Unsubscribe}
	for name := range values {
		w.oneClick = w.oneClick || strings.EqualFold(name, "List-Unsubscribe")
	}
	actions := values["action"]
	switch {
	case slices.Contains(actions, pages.UnsubscribeAll):
		w.action = pages.UnsubscribeAll
	case err == nil && len(values) == 1 && slices.Equal(actions, []string{pages.Resubscribe}):
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
