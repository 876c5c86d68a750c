package scope_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/scope"
)

const png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><linearGradient id="a"/></defs><path fill="url(#a)" d="M0 0h9"/><use href="#a"/></svg>`

// looking is a scopes.yaml of one brand with a look, whose fields begin on line 10.
func looking(fields ...string) string {
	return branded("look:\n      " + strings.Join(fields, "\n      "))
}

// branded is a scopes.yaml of one brand with more fields, which begin on line 9.
func branded(fields ...string) string {
	return `scopes:
  - id: 5
    scope: acme
    controller: Acme AS
    name: {en: Acme}
    policyURL: https://acme.example/privacy
    contact: privacy@acme.example
    linkDomain: links.acme.example
    ` + strings.Join(fields, "\n    ") + "\n"
}

func TestABrandMayHaveALook(t *testing.T) {
	r := load(t, looking(`colour: "#17584A"`, `colourDark: "#92d6c0"`, "logo: "+png))
	want := scope.Look{Colour: "#17584a", ColourDark: "#92d6c0", Logo: png}
	if diff := cmp.Diff(want, r.All()[0].Look); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestADrawingBecomesADataURI(t *testing.T) {
	want := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
	for _, field := range []string{"logo: '" + svg + "'", "logo: |\n        " + svg, "logo: " + want} {
		if got := load(t, looking(field)).All()[0].Look.Logo; got != want {
			t.Errorf("%.20s… becomes %s", field, got)
		}
	}
}

func TestAColourThatCannotBeReadIsRefused(t *testing.T) {
	got := mistakes(t, loadErr(looking(`colour: "#1f9d55"`, `colourDark: "#17584a"`)))
	want := []string{
		"line 10: colour: the contrast of #1f9d55 with #ffffff is 3.49:1, and must be 4.5:1: take a darker one",
		"line 11: colourDark: the contrast of #17584a with #18211f is 1.98:1, and must be 4.5:1: take a lighter one",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for colour, fits := range map[string]bool{"#767676": true, "#777777": false, "#ffffff": false, "#000000": true} {
		if got := loadErr(looking(`colour: "`+colour+`"`)) == nil; got != fits {
			t.Errorf("%s on white is taken: %v", colour, got)
		}
	}
	for _, text := range []string{"red", `"#123"`, `"17584a"`, `"#17584a80"`, `"#17584g"`, `"#17584a;}"`, "7"} {
		if loadErr(looking("colour: "+text)) == nil {
			t.Errorf("%s is taken for a colour", text)
		}
	}
}

func loadErr(data string) error {
	_, err := scope.Load([]byte(data))
	return err
}

func TestALogoRunsAndLoadsNothing(t *testing.T) {
	in := func(inside string) string {
		return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inside + `</svg>`
	}
	cases := map[string]string{
		"a script":                 in(`<script>alert(1)</script>`),
		"a script by its prefix":   `<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>`,
		"a script of HTML":         in(`<script xmlns="http://www.w3.org/1999/xhtml"/>`),
		"HTML by a drawing's name": in(`<title xmlns="http://www.w3.org/1999/xhtml"/>`),
		"a source":                 in(`<path src="x.png"/>`),
		"an event":                 `<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>`,
		"an event in capitals":     in(`<path ONCLICK="x()"/>`),
		"HTML inside":              in(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>`),
		"a picture from elsewhere": in(`<image href="https://example.com/x.png"/>`),
		"a use from elsewhere":     in(`<use xlink:href="https://example.com/x.svg#a"/>`),
		"a use of script":          in(`<use href="javascript:x()"/>`),
		"a link":                   in(`<a href="https://example.com"/>`),
		"a style from elsewhere":   in(`<path style="fill:url( 'https://example.com/x')"/>`),
		"a fill from elsewhere":    in(`<path fill="url(//example.com/x#a)"/>`),
		"a fill with an escape":    in(`<path fill="u\72l(//example.com)"/>`),
		"a style sheet":            in(`<style>@import "x"</style>`),
		"a movement":               in(`<animate attributeName="href" to="javascript:x()"/>`),
		"an entity":                `<!DOCTYPE svg [<!ENTITY x "y">]>` + in(`&x;`),
		"a style sheet beside":     `<?xml-stylesheet href="x"?>` + in(``),
		"no namespace":             `<svg/>`,
		"no drawing":               `<html/>`,
		"an open end":              `<svg xmlns="http://www.w3.org/2000/svg">`,
		"an address":               "https://example.com/logo.png",
		"an address without type":  "data:;base64,AAAA",
		"a page":                   "data:text/html;base64,PHA+",
		"text that is no base64":   "data:image/png;base64,A",
		"a PNG that is a drawing":  "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(svg)),
		"a large drawing":          in("<desc>" + strings.Repeat("x", 8<<10) + "</desc>"),
	}
	for name, logo := range cases {
		for kind, given := range map[string]string{
			"as it is": logo, "in a data URI": "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(logo)),
		} {
			if kind != "as it is" && !strings.HasPrefix(logo, "<") {
				continue
			}
			got := mistakes(t, loadErr(looking(fmt.Sprintf("logo: '%s'", strings.ReplaceAll(given, "'", "''")))))
			if len(got) != 1 || !strings.HasPrefix(got[0], "line 10: logo: ") {
				t.Errorf("%s, %s: %q", name, kind, got)
			}
		}
	}
}

func TestAGroupHasSeveralBrands(t *testing.T) {
	second := func(fields ...string) string {
		return strings.NewReplacer("scopes:\n", "", "acme", "globex", "id: 5", "id: 6").Replace(branded(fields...))
	}
	topic := "  - {id: 7, scope: acme/offers, name: {en: Offers}, topicOptOut: true}\n"
	r := load(t, branded("group: house")+second("group: house")+topic)
	var got []scope.Scope
	for _, e := range append(r.Group(r.All()[1]), r.Topics("acme")...) {
		got = append(got, e.Scope)
	}
	if diff := cmp.Diff([]scope.Scope{"acme", "globex", "acme/offers"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if alone := load(t, branded()); len(alone.Group(alone.All()[0])) > 0 {
		t.Error("a brand of no group has one")
	}
	for name, c := range map[string]struct {
		data string
		want []string
	}{
		"two names": {branded("group: house") + second("group: hose"), []string{
			"line 9: group: no other brand is in the group house: name it there, too, or take it out here",
			"line 17: group: no other brand is in the group hose: name it there, too, or take it out here",
		}},
		"no name":            {branded("group: Our House") + second("group: Our House"), []string{"line 9: group: must be lower-case letters, digits and hyphens, a letter first", "line 17: group: must be lower-case letters, digits and hyphens, a letter first"}},
		"a topic in a group": {branded() + strings.Replace(topic, "}\n", ", group: house}\n", 1), []string{"line 10: group is not a field here"}},
	} {
		if diff := cmp.Diff(c.want, mistakes(t, loadErr(c.data))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
