package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/unsubscribe/pages"
)

// purple is of a brand in purple, with a square for a logo.
var purple = scope.Look{
	Colour: "#7a1f5c", ColourDark: "#f0b3dc",
	Logo: "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20" width="60" height="20"><path fill="#7a1f5c" d="M0 0h20v20H0z"/></svg>`)),
}

func TestThePolicyAllowsExactlyThePagesStyles(t *testing.T) {
	for name, resp := range every(t, newPages(t).For(request("", "")), contact.Email, acme) {
		if !strings.HasPrefix(resp.Headers["content-type"], "text/html") {
			continue
		}
		var allowed []string
		for _, style := range strings.Split(resp.Body, "<style>")[1:] {
			style, _, _ = strings.Cut(style, "</style>")
			sum := sha256.Sum256([]byte(style))
			allowed = append(allowed, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		}
		policy := "default-src 'none'; style-src " + strings.Join(allowed, " ") + "; "
		if !strings.HasPrefix(resp.Headers["content-security-policy"], policy) {
			t.Errorf("%s: the policy %s is not of its styles %v", name, resp.Headers["content-security-policy"], allowed)
		}
	}
}

func TestABrandHasItsColoursAndItsLogo(t *testing.T) {
	plain, own := subject(t, contact.Email, acme), subject(t, contact.Email, acme)
	own.Brand.Look = purple
	light := own
	light.Brand.Look = scope.Look{Colour: purple.Colour}
	r := newPages(t).For(request("", ""))
	for name, c := range map[string]struct {
		subject pages.Subject
		style   string
		logo    bool
	}{
		"none":         {plain, "", false},
		"all":          {own, `<style>:root{--deep:#7a1f5c}@media screen and (prefers-color-scheme:dark){:root{--deep:#f0b3dc}}</style>`, true},
		"light colour": {light, `<style>:root{--deep:#7a1f5c}@media screen and (prefers-color-scheme:dark){:root{--deep:#92d6c0}}</style>`, false},
	} {
		resp := r.Done(c.subject, true)
		logo := strings.Contains(resp.Body, `<img src="`+strings.ReplaceAll(purple.Logo, "+", "&#43;")+`" alt="">`) || strings.Contains(resp.Body, `<img src="`+purple.Logo+`" alt="">`)
		if !strings.Contains(resp.Body, c.style) || strings.Count(resp.Body, "<style>") != 1+strings.Count(c.style, "<style>") || logo != c.logo {
			t.Errorf("%s: another style, or a logo: %v", name, logo)
		}
		if allowed := strings.Contains(resp.Headers["content-security-policy"], "img-src data:;"); allowed != c.logo {
			t.Errorf("%s: a picture is allowed: %v", name, allowed)
		}
	}
}

// Package scope holds a brand's colours against those of the style.
func TestStyleHasTheColoursOfScopeChecks(t *testing.T) {
	style := newPages(t).For(request("", "")).NotFound().Body
	for _, rule := range []string{
		"--card:#fff;", "--deep:#17584a;--on:#fff}", "{:root{--paper:#101615;--card:" + scope.DarkCard + ";", "--deep:#92d6c0;--on:" + scope.DarkText + "}",
	} {
		if !strings.Contains(style, rule) || scope.White != "#ffffff" {
			t.Errorf("the style has no %s", rule)
		}
	}
}
