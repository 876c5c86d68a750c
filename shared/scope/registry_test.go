package scope_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	"stille/shared/strictyaml"
)

func load(t *testing.T, data string) *scope.Registry {
	t.Helper()
	r, err := scope.Load([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mistakes(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var all strictyaml.Mistakes
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	return strings.Split(all.Error(), "\n")
}

func TestTheSampleScopes(t *testing.T) {
	r := scopetest.Registry(t)
	want := []scope.Entry{
		{
			ID: 1, Scope: "acme", Controller: "Acme AS", Name: map[string]string{"en": "Acme", "nb": "Acme"},
			PolicyURL: "https://acme.example/privacy", Contact: "privacy@acme.example", LinkDomain: "links.acme.example",
			Language: "nb", SMSNumbers: []string{"+4759440000"},
		},
		{
			ID: 2, Scope: "acme/newsletter", Controller: "Acme AS",
			Name: map[string]string{
				"en": "the Acme newsletter", "nb": "nyhetsbrevet fra Acme", "nn": "nyheitsbrevet frå Acme",
				"sv": "nyhetsbrevet från Acme", "da": "nyhedsbrevet fra Acme", "fi": "Acmen uutiskirje",
				"de": "Acme-Newsletter", "lt": "Acme naujienlaiškis",
			},
			PolicyURL: "https://acme.example/privacy", Contact: "privacy@acme.example", LinkDomain: "links.acme.example",
			Language: "nb", TopicOptOut: true,
		},
		{
			ID: 3, Scope: "globex", Controller: "Globex Norge AS", Name: map[string]string{"en": "Globex", "nb": "Globex"},
			PolicyURL: "https://globex.example/privacy", Contact: "privacy@globex.example", LinkDomain: "links.globex.example",
			Language: "en", SMSNumbers: []string{"+4759440001"},
		},
	}
	if diff := cmp.Diff(want, r.All()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFindingAScope(t *testing.T) {
	r := scopetest.Registry(t)
	found := func(e scope.Entry, ok bool) string {
		if !ok {
			return "none"
		}
		return string(e.Scope)
	}
	got := []string{
		found(r.Lookup("acme")), found(r.Lookup("acme/newsletter")), found(r.Lookup("acme/offers")), found(r.Lookup("*")), found(r.Lookup("")),
		found(r.ByID(3)), found(r.ByID(0)), found(r.ByID(4)),
		found(r.ByNumber("+4759440001")), found(r.ByNumber("0047 59 44 00 01")), found(r.ByNumber("+4759440002")),
		found(r.ByNumber("59440001")), found(r.ByNumber("Globex")), found(r.ByNumber("")),
		found(r.Only()),
	}
	want := []string{"acme", "acme/newsletter", "none", "none", "none", "globex", "none", "none", "globex", "globex", "none", "none", "none", "none", "none"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAShortCodeBelongsToItsBrand(t *testing.T) {
	numbered := strings.Replace(string(scopetest.File()), `"+4759440000"`, `"+4759440000"
      - "2012"`, 1)
	r, err := scope.Load([]byte(numbered))
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string]scope.Scope{"2012": "acme", "+4759440000": "acme", "2013": "", "20": "", "+472012": "", "012": "", "+4759440001": "globex"} {
		if e, _ := r.ByNumber(number); e.Scope != want {
			t.Errorf("%s belongs to %q, want %q", number, e.Scope, want)
		}
	}
}

// one is a brand and its topic.
const one = `scopes:
  - id: 7
    scope: acme/offers
    name: {en: Offers}
  - id: 5
    scope: acme
    controller: Acme AS
    name: {en: Acme, nb: Akme}
    policyURL: https://acme.example/privacy
    contact: privacy@acme.example
    linkDomain: links.acme.example
`

func TestTheOneBrandMayBeLeftOut(t *testing.T) {
	r := load(t, one)
	if e, ok := r.Only(); !ok || e.Scope != "acme" {
		t.Errorf("only brand %q, %v", e.Scope, ok)
	}
	if e, ok := r.Lookup("acme/offers"); !ok || e.TopicOptOut || e.Controller != "Acme AS" {
		t.Errorf("topic %+v, %v", e, ok)
	}
}

func TestBasisIsNeededWhereTheScopeRequiresIt(t *testing.T) {
	const topic = "scope: acme/offers\n"
	const brand = "scope: acme\n"
	const required = "    require: basis\n"
	const other = `  - id: 8
    scope: globex
    controller: Globex
    name: {en: Globex}
    policyURL: https://globex.example/privacy
    contact: privacy@globex.example
    linkDomain: links.globex.example
`
	byTopic, byBrand := strings.Replace(one, topic, topic+required, 1), strings.Replace(one, brand, brand+required, 1)
	for _, test := range []struct {
		name, file string
		in         scope.Scope
		demanded   bool
		want       scope.Scope
	}{
		{"none is required", one, "acme", false, ""},
		{"none is required anywhere", one, "*", false, ""},
		{"on demand", one, "acme/offers", true, "acme/offers"},
		{"on demand of the one brand", one, "*", true, "acme"},
		{"on demand among several brands", one + other, "*", true, "*"},
		{"the topic requires it", byTopic, "acme/offers", false, "acme/offers"},
		{"the topic requires it, not the brand", byTopic, "acme", false, ""},
		{"the brand requires it", byBrand, "acme", false, "acme"},
		{"the brand requires it of its topic", byBrand, "acme/offers", false, "acme/offers"},
		{"the one brand requires it", byBrand, "*", false, "acme"},
		{"one of several brands requires it", byBrand + other, "*", false, ""},
		{"required and on demand", byBrand, "acme", true, "acme"},
		{"another brand requires it", byBrand + other, "globex", false, ""},
	} {
		if got := load(t, test.file).BasisOf(test.in, test.demanded); got != test.want {
			t.Errorf("%s: basis in %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDisplayNames(t *testing.T) {
	e := scope.Entry{Name: map[string]string{"en": "Acme", "nb": "Akme", "fi": "Akmé"}}
	got := map[string]string{}
	for _, lang := range []string{"en", "nb", "nn", "fi", "lt", ""} {
		got[lang] = e.DisplayName(lang)
	}
	want := map[string]string{"en": "Acme", "nb": "Akme", "nn": "Akme", "fi": "Akmé", "lt": "Acme", "": "Acme"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	e.Name["nn"] = "Økme"
	if got := e.DisplayName("nn"); got != "Økme" {
		t.Errorf("nn is %q", got)
	}
}

func TestEveryMistakeIsNamedWithItsLine(t *testing.T) {
	r, err := scope.Load([]byte(`scopes:
  - id: 0
    scope: Acme
    name: {nb: Akme, xx: Acme}
    controller: Acme AS
    policyURL: http://acme.example/privacy
    contact: Privacy <privacy@acme.example>
    linkDomain: https://links.acme.example
    smsNumbers: [4759440000, "+47 59 44 00 00", "0201"]
    topicOptOut: true
  - id: 4096
    scope: globex/news
    name: {en: News}
    controller: Globex
    topicOptOut: yes please
  - id: 3
    scope: initech
    controller: Initech
    name: {en: Initech}
    policyURL: https:///privacy
    contact: initech.example
    linkDomain: Links.initech.example
    language: Norwegian
    smsNumbers: ["+4759440001"]
  - id: 3
    scope: initech
    controller: Initech
    name: {en: Initech}
    policyURL: https://initech.example/privacy
    contact: privacy@initech.example
    linkDomain: initech.example/links
    smsNumbers: ["+4759440001"]
  - id: "9"
    scope: "*"
    colour: red
    require: consent
`))
	if r != nil {
		t.Error("a registry with mistakes was returned")
	}
	const notScope = `scope: not a scope like "brand", "brand/topic" or "*"`
	want := []string{
		"line 2: id: must be a whole number from 1 to 4095",
		"line 3: " + notScope,
		"line 4: en is missing",
		"line 4: xx is not a field here",
		"line 6: policyURL: must be an https address",
		"line 7: contact: must be an e-mail address",
		"line 8: linkDomain: must be a host name in lower case, without scheme or path",
		"line 9: smsNumbers: a number must be E.164 (+ and 7 to 15 digits) or a short code of 3 to 8 digits, without spaces",
		"line 9: smsNumbers: a number must be E.164 (+ and 7 to 15 digits) or a short code of 3 to 8 digits, without spaces",
		"line 9: smsNumbers: must be a list of texts",
		"line 10: topicOptOut is not a field here",
		"line 11: id: must be a whole number from 1 to 4095",
		"line 12: scope: the brand globex is not in the file",
		"line 14: controller is not a field here",
		"line 15: topicOptOut: must be true or false",
		"line 20: policyURL: must be an https address",
		"line 21: contact: must be an e-mail address",
		"line 22: linkDomain: must be a host name in lower case, without scheme or path",
		"line 23: language: must be one of nb, nn, en, sv, da, fi, de, lt",
		"line 25: id: 3 belongs to initech",
		"line 26: scope: initech is listed twice",
		"line 31: linkDomain: must be a host name in lower case, without scheme or path",
		"line 32: smsNumbers: a number is listed already, for initech",
		"line 33: contact is missing",
		"line 33: controller is missing",
		"line 33: id: must be a whole number from 1 to 4095",
		"line 33: linkDomain is missing",
		"line 33: name is missing",
		"line 33: policyURL is missing",
		`line 34: scope: "*" is there without being listed`,
		"line 35: colour is not a field here",
		"line 36: require: must be basis, or left out",
	}
	if diff := cmp.Diff(want, mistakes(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnEmptyRegistryIsRefused(t *testing.T) {
	for _, data := range []string{"", "scopes:\n", "scopes: []\n", "other: 1\n"} {
		if r, err := scope.Load([]byte(data)); err == nil {
			t.Errorf("%q loads as %v", data, r)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(one))
	f.Add([]byte("scopes:\n- id: 1\n  name: {en: }\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := scope.Load(data)
		if (r == nil) != (err != nil) {
			t.Fatalf("%v, %v", r, err)
		}
	})
}
