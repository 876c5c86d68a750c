package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// expect checks both contacts and compares.
func (s *story) expect(ctx context.Context, p person, email, sms bool) error {
	got, err := s.api.check(ctx, s.stack.Scope, p.contacts())
	if err != nil {
		return err
	}
	s.print("check e-mail", got[0].String())
	s.print("check SMS", got[1].String())
	if got[0].Send != email || got[1].Send != sms {
		return fmt.Errorf("e-mail %v and SMS %v, where %v and %v are right", got[0].Send, got[1].Send, email, sms)
	}
	return nil
}

// optOut opts out through both links of a person.
func (s *story) optOut(ctx context.Context, p person) error {
	links, err := s.api.mint(ctx, s.stack.Scope, p.contacts())
	if err != nil {
		return err
	}
	for _, l := range links {
		s.links = append(s.links, l.URL)
	}
	if want := "<" + links[0].URL + ">"; links[0].Headers["List-Unsubscribe"] != want {
		return errors.New("the List-Unsubscribe header is not the link")
	}

	if err := s.scan(ctx, links[0].URL); err != nil {
		return fmt.Errorf("GET of the e-mail link: %w", err)
	}
	if err := s.expect(ctx, p, true, true); err != nil {
		return fmt.Errorf("after a GET: %w", err)
	}
	done, err := s.api.post(ctx, links[0].URL, url.Values{"List-Unsubscribe": {"One-Click"}})
	if err != nil {
		return err
	}
	if done.status != http.StatusOK {
		return fmt.Errorf("one-click answers %d", done.status)
	}
	s.print("POST List-Unsubscribe=One-Click (RFC 8058)", "200")
	if err := s.expect(ctx, p, false, true); err != nil {
		return fmt.Errorf("after the e-mail opt-out: %w", err)
	}
	if err := s.reopen(ctx, links[0].URL); err != nil {
		return fmt.Errorf("the e-mail link, opened again: %w", err)
	}
	page, err := s.api.get(ctx, links[1].URL)
	if err != nil {
		return err
	}
	form, err := firstForm(page)
	if err != nil {
		return fmt.Errorf("the page behind the SMS link: %w", err)
	}
	if err := s.press(ctx, "the button on the page behind the SMS link", links[1].URL, form); err != nil {
		return err
	}
	return s.expect(ctx, p, false, false)
}

// scan opens a link as a mail scanner does.
func (s *story) scan(ctx context.Context, link string) error {
	page, err := s.api.get(ctx, link)
	if err == nil {
		err = isPage(page)
	}
	if err == nil {
		s.print("GET of the e-mail link, as a mail scanner does", "200, a page that asks")
	}
	return err
}

// reopen opens a link whose person has opted out.
func (s *story) reopen(ctx context.Context, link string) error {
	page, state, err := s.open(ctx, link)
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(page, `<time datetime="`)
	since, _, dated := strings.Cut(after, `"`)
	if state != "stopped" || !dated || !strings.Contains(page, `value="resubscribe"`) {
		return fmt.Errorf("the page says %q since %q, or offers no undo", state, since)
	}
	s.print("GET of the e-mail link, opened again", "200, stopped since "+since+", undo offered")
	return nil
}

// open opens a link until the page knows the state of the contact: a page waits
// for the store for a moment only, and the emulator is slow at times.
func (s *story) open(ctx context.Context, link string) (page, state string, err error) {
	err = await(ctx, func(ctx context.Context) (bool, error) {
		got, err := s.api.get(ctx, link)
		if err == nil {
			err = isPage(got)
		}
		page = got.body
		_, after, _ := strings.Cut(page, `<main data-state="`)
		state, _, _ = strings.Cut(after, `"`)
		return state != "unknown", err
	})
	return page, state, err
}

func isPage(a answer) error {
	switch {
	case a.status != http.StatusOK:
		return fmt.Errorf("it answers %d", a.status)
	case !strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
		return errors.New("it is no page")
	case a.header.Get("Set-Cookie") != "":
		return errors.New("it sets a cookie")
	}
	return nil
}

// firstForm is the request of a browser when the page's first button is
// pressed.
func firstForm(page answer) (url.Values, error) {
	if err := isPage(page); err != nil {
		return nil, err
	}
	root, err := html.Parse(strings.NewReader(page.body))
	if err != nil {
		return nil, err
	}
	inForm := false
	for node := range root.Descendants() {
		inForm = inForm || node.Data == "form"
		if name := attribute(node, "name"); inForm && name != "" {
			return url.Values{name: {attribute(node, "value")}}, nil
		}
	}
	return nil, errors.New("it has no form")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
