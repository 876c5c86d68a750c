// Package scope knows whose messages an opt-out stops: a brand's, one topic's
// of a brand, or everybody's. scopes.yaml is append-only: links that were sent years
// ago carry a scope's number (package deployed guards it). The package refuses a registry that it
// cannot read in full, naming every mistake, and it never guesses: a scope
// outside the registry is unknown.
package scope

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"stille/shared/contact"
	"stille/shared/strictyaml"
)

// MostID is the greatest scope id: links have 12 bits for it. 0 is none.
const MostID = 1<<12 - 1

// Placeholder is the brand of the scopes.yaml that the project ships.
const Placeholder Scope = "example-brand"

// Languages are those a display name may be given in, and a brand may write in.
func Languages() []string {
	return []string{"nb", "nn", "en", "sv", "da", "fi", "de", "lt"}
}

// basis is what a scope may require.
const basis = "basis"

// DefaultLanguage is that of a brand which names none.
const DefaultLanguage = "en"

// Entry is one brand or topic. A topic has its brand's controller, policy,
// contact, link domain and language, and no numbers.
type Entry struct {
	ID          uint16 // 1..MostID, never reused
	Scope       Scope
	Controller  string            // the legal person who answers for the messages
	Name        map[string]string // language -> what the pages call it; "en" is always there
	PolicyURL   string            // https
	Contact     string            // an e-mail address for questions
	LinkDomain  string            // host of the brand's links
	Language    string            // of Languages: the language of answers to SMS
	SMSNumbers  []string          // E.164 or short codes; a reply to one of them concerns this brand
	Group       string            // of a brand: whose brands a page offers to stop together; "" for none
	Look        Look              // of a brand
	TopicOptOut bool              // of a topic: whether links for it alone exist
	NeedsBasis  bool              // marketing needs a live basis; a topic needs one where its brand does
}

// DisplayName is the name in the language, else in its nearest one (nn: nb),
// else in English.
func (e Entry) DisplayName(lang string) string {
	if lang == "nn" {
		return cmp.Or(e.Name["nn"], e.Name["nb"], e.Name["en"])
	}
	return cmp.Or(e.Name[lang], e.Name["en"])
}

// Registry is the content of a scopes.yaml without mistakes.
type Registry struct {
	entries []Entry // by id
}

// Load reads scopes.yaml. Its error is strictyaml.Mistakes: all of them.
func Load(data []byte) (*Registry, error) {
	doc := strictyaml.Parse(data)
	l := loader{ids: map[uint16]Scope{}, scopes: map[Scope]Entry{}, numbers: map[string]Scope{}}
	listed := doc.Top().List("scopes")
	for _, f := range listed {
		l.add(f)
	}
	for i := range l.entries {
		l.inherit(&l.entries[i], listed[i])
		l.checkGroup(l.entries[i], listed[i])
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(l.entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return &Registry{l.entries}, nil
}

// At returns the registry with other link domains for some brands, and for their
// topics.
func (r *Registry) At(domains map[Scope]string) *Registry {
	other := &Registry{r.All()}
	for i, e := range other.entries {
		other.entries[i].LinkDomain = cmp.Or(domains[e.Scope.Brand()], e.LinkDomain)
	}
	return other
}

// All lists brands and topics by id.
func (r *Registry) All() []Entry { return slices.Clone(r.entries) }

// Names are the names of all scopes, for a sentence.
func (r *Registry) Names() string {
	var names []string
	for _, entry := range r.entries {
		names = append(names, string(entry.Scope))
	}
	return strings.Join(names, ", ")
}

// Lookup finds a brand or topic. Everywhere is neither.
func (r *Registry) Lookup(s Scope) (Entry, bool) {
	return r.find(func(e Entry) bool { return e.Scope == s })
}

// ByID finds the brand or topic of the scope id in a link.
func (r *Registry) ByID(id uint16) (Entry, bool) {
	return r.find(func(e Entry) bool { return e.ID == id })
}

// ByNumber finds the brand that owns an SMS number, in whatever way the number
// is written with its country. A short code has no country.
func (r *Registry) ByNumber(number string) (Entry, bool) {
	called := ownNumber(number)
	return r.find(func(e Entry) bool {
		return called != "" && slices.ContainsFunc(e.SMSNumbers, func(own string) bool { return ownNumber(own) == called })
	})
}

// ownNumber is the one form of a number or short code, "" for anything else.
func ownNumber(number string) string {
	if shortCode.MatchString(number) {
		return number
	}
	c, err := contact.NormaliseAnyLength(contact.SMS, number, "")
	if err != nil {
		return ""
	}
	return c.Address()
}

// Topics lists the topics of the brand that may be stopped alone, by id.
func (r *Registry) Topics(brand Scope) []Entry {
	return r.where(func(e Entry) bool { return e.TopicOptOut && e.Scope.Brand() == brand })
}

// Group lists the brands of the brand's group by id, the brand among them; none
// where the brand is in no group.
func (r *Registry) Group(brand Entry) []Entry {
	return r.where(func(e Entry) bool { return e.Group != "" && e.Group == brand.Group })
}

func (r *Registry) where(match func(Entry) bool) []Entry {
	var found []Entry
	for _, e := range r.entries {
		if match(e) {
			found = append(found, e)
		}
	}
	return found
}

// Only is the one brand where there is exactly one, so that a request may
// leave the scope out.
func (r *Registry) Only() (Entry, bool) {
	brands := r.where(func(e Entry) bool { return e.Scope.Topic() == "" })
	if len(brands) != 1 {
		return Entry{}, false
	}
	return brands[0], true
}

// BasisOf returns the scope in which marketing of a scope needs a live basis, or ""
// where it needs none. Everywhere is the only brand where there is only one; among
// several brands it needs a basis on demand alone, in any scope.
func (r *Registry) BasisOf(in Scope, demanded bool) Scope {
	if in == Everywhere {
		if only, ok := r.Only(); ok {
			in = only.Scope
		}
	}
	if e, _ := r.Lookup(in); demanded || e.NeedsBasis {
		return in
	}
	return ""
}

func (r *Registry) find(match func(Entry) bool) (Entry, bool) {
	i := slices.IndexFunc(r.entries, match)
	if i < 0 {
		return Entry{}, false
	}
	return r.entries[i], true
}

// loader is a registry in the making: entries in the file's order.
type loader struct {
	entries []Entry
	ids     map[uint16]Scope
	scopes  map[Scope]Entry
	numbers map[string]Scope
}

// add reads one scope and checks what must be unique.
func (l *loader) add(f *strictyaml.Fields) {
	e := Entry{ID: uint16(f.Whole("id", 1, MostID))}
	if name := f.Text("scope"); name != "" {
		s, err := Parse(name)
		switch {
		case err != nil:
			f.Wrong("scope", "%v", ErrInvalid)
		case s == Everywhere:
			f.Wrong("scope", "%q is there without being listed", s)
		default:
			e.Scope = s
		}
	}
	if other, taken := l.ids[e.ID]; taken && e.ID != 0 {
		f.Wrong("id", "%d belongs to %s", e.ID, other)
	}
	if _, taken := l.scopes[e.Scope]; taken && e.Scope != "" {
		f.Wrong("scope", "%s is listed twice", e.Scope)
	}
	e.Name = names(f.Mapping("name"))
	required := f.Optional().Text("require")
	if e.NeedsBasis = required == basis; required != "" && !e.NeedsBasis {
		f.Wrong("require", "must be %s, or left out", basis)
	}
	if e.Scope.Topic() == "" {
		l.brand(&e, f)
	} else {
		e.TopicOptOut = f.Flag("topicOptOut")
	}
	l.ids[e.ID], l.scopes[e.Scope] = e.Scope, e
	l.entries = append(l.entries, e)
}

func names(f *strictyaml.Fields) map[string]string {
	byLanguage := map[string]string{}
	for _, lang := range Languages() {
		if lang == "en" || f.Has(lang) {
			byLanguage[lang] = f.Text(lang)
		}
	}
	return byLanguage
}

var (
	host   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)
	number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// shortCode is a number of a few digits that a country's carriers share.
	shortCode = regexp.MustCompile(`^[1-9][0-9]{2,7}$`)

	groupName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

// brand reads the fields that only a brand has.
func (l *loader) brand(e *Entry, f *strictyaml.Fields) {
	e.Controller = f.Text("controller")
	if e.PolicyURL = f.Text("policyURL"); e.PolicyURL != "" {
		if u, err := url.Parse(e.PolicyURL); err != nil || u.Scheme != "https" || !host.MatchString(u.Hostname()) || u.User != nil {
			f.Wrong("policyURL", "must be an https address")
		}
	}
	if e.Contact = f.Text("contact"); e.Contact != "" {
		if a, err := mail.ParseAddress(e.Contact); err != nil || a.Address != e.Contact {
			f.Wrong("contact", "must be an e-mail address")
		}
	}
	e.LinkDomain = f.Matching("linkDomain", host, "must be a host name in lower case, without scheme or path")
	optional := f.Optional()
	if e.Language = cmp.Or(optional.Text("language"), DefaultLanguage); !slices.Contains(Languages(), e.Language) {
		f.Wrong("language", "must be one of %s", strings.Join(Languages(), ", "))
	}
	e.Group = optional.Matching("group", groupName, "must be lower-case letters, digits and hyphens, a letter first")
	e.Look = readLook(optional.Mapping("look").Optional())
	e.SMSNumbers = optional.Texts("smsNumbers")
	for _, n := range e.SMSNumbers {
		if owner, taken := l.numbers[n]; taken {
			f.Wrong("smsNumbers", "a number is listed already, for %s", owner)
		}
		if !number.MatchString(n) && !shortCode.MatchString(n) {
			f.Wrong("smsNumbers", "a number must be E.164 (+ and 7 to 15 digits) or a short code of 3 to 8 digits, without spaces")
		}
		l.numbers[n] = e.Scope
	}
}

// checkGroup refuses a group of one brand: its name may be misspelt, and the page
// would leave the brand out without a word.
func (l *loader) checkGroup(e Entry, f *strictyaml.Fields) {
	with := func(other Entry) bool { return other.Group == e.Group && other.Scope != e.Scope }
	if e.Group != "" && !slices.ContainsFunc(l.entries, with) {
		f.Wrong("group", "no other brand is in the group %s: name it there, too, or take it out here", e.Group)
	}
}

// inherit copies the fields of the brand to its topic.
func (l *loader) inherit(e *Entry, f *strictyaml.Fields) {
	if e.Scope.Topic() == "" {
		return
	}
	brand, ok := l.scopes[e.Scope.Brand()]
	if !ok {
		f.Wrong("scope", "the brand %s is not in the file", e.Scope.Brand())
		return
	}
	e.Controller, e.PolicyURL = brand.Controller, brand.PolicyURL
	e.Contact, e.LinkDomain, e.Language = brand.Contact, brand.LinkDomain, brand.Language
	e.NeedsBasis = e.NeedsBasis || brand.NeedsBasis
}

// ErrInvalid is returned for text that cannot be a scope.
var ErrInvalid = errors.New(`not a scope like "brand", "brand/topic" or "*"`)

// Scope is "brand", "brand/topic" or Everywhere.
type Scope string

// Everywhere covers every brand and topic, also those that come later.
const Everywhere Scope = "*"

// longest bounds the whole name: scopes are map keys in items.
const longest = 64

var form = regexp.MustCompile(`^[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?$`)

// Parse reads a scope, or returns an error that wraps ErrInvalid. Whether the
// scope exists is for Registry.Lookup to say.
func Parse(s string) (Scope, error) {
	if s == string(Everywhere) {
		return Everywhere, nil
	}
	if len(s) > longest || !form.MatchString(s) {
		return "", fmt.Errorf("scope: %w", ErrInvalid)
	}
	return Scope(s), nil
}

// Brand is the scope of the whole brand: of itself for a brand and Everywhere.
func (s Scope) Brand() Scope {
	brand, _, _ := strings.Cut(string(s), "/")
	return Scope(brand)
}

// Topic is the part after the slash, "" where there is none.
func (s Scope) Topic() string {
	_, topic, _ := strings.Cut(string(s), "/")
	return topic
}

// Covers reports whether s includes other: Everywhere includes all scopes,
// a brand includes itself and its topics, a topic only itself.
func (s Scope) Covers(other Scope) bool {
	return s == Everywhere || s == other || s == other.Brand()
}
