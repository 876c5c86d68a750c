package environment

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/strictyaml"
)

// Domain is a domain that the stack puts before one of its APIs.
type Domain struct {
	Name        string // of a brand's links "" where it is the brand's linkDomain
	Certificate string // the ARN of a certificate; "" where the stack makes one
	Zone        string // the Route 53 zone that gets the record; "" where you make it
}

// toolsDomain is the setting of the tools' API, domains that of the brands' links.
const toolsDomain, domains = "toolsDomain", "domains"

// The forms of a domain's settings. A brand is as in scopes.yaml.
var (
	host        = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)
	certificate = regexp.MustCompile(`^arn:([a-z-]+):acm:([a-z0-9-]*):([0-9]*):certificate/[A-Za-z0-9-]+$`)
	zone        = regexp.MustCompile(`^Z[A-Z0-9]{3,31}$`)
)

// readDomains reads the domains of the brands' links, and that of the tools' API.
func readDomains(f *strictyaml.Fields, e *Environment) {
	if f.Has(domains) {
		all := f.Mapping(domains)
		e.Domains = map[scope.Scope]Domain{}
		for _, brand := range all.Names() {
			e.Domains[scope.Scope(brand)] = readDomain(all.Mapping(brand), *e, false)
		}
	}
	if f.Has(toolsDomain) {
		e.ToolsDomain = readDomain(f.Mapping(toolsDomain), *e, true)
	}
}

func readDomain(f *strictyaml.Fields, e Environment, named bool) Domain {
	var d Domain
	if named || f.Has("domain") {
		d.Name = f.Matching("domain", host, "must be a host name in lower case, without scheme or path")
	}
	optional := f.Optional()
	made, region, account := arn(optional, "certificate", certificate, e, "must be the ARN of a certificate of ACM, as in arn:aws:acm:eu-north-1:ACCOUNT:certificate/…")
	if d.Certificate = made; made != "" && (region != e.Region || account != e.Account) {
		f.Wrong("certificate", "must be in the region and the account of the environment, %s and %s: API Gateway takes no other", e.Region, e.Account)
	}
	d.Zone = optional.Matching("zone", zone, "must be the id of a hosted zone of Route 53, as in Z0123456789ABC")
	if !f.Has("certificate") && !f.Has("zone") {
		f.Note("name the certificate of the domain, or the zone in which the stack can make one")
	}
	return d
}

// checkDomains notes a domain that two environments would both make.
func checkDomains(f *strictyaml.Fields, e, other Environment) {
	for _, brand := range slices.Sorted(maps.Keys(e.Domains)) {
		if its, both := other.Domains[brand]; both && its.Name == e.Domains[brand].Name {
			f.Note("domains: %s has the domain of %s already: give its links another one here with `domain`", brand, other.Name)
		}
	}
	if e.ToolsDomain.Name != "" && e.ToolsDomain.Name == other.ToolsDomain.Name {
		f.Note("toolsDomain: %s is the domain of %s", e.ToolsDomain.Name, other.Name)
	}
}

// LinkDomains are the domains of brands' links that are not the brands' linkDomain,
// by the brand.
func (e Environment) LinkDomains() map[scope.Scope]string {
	other := map[scope.Scope]string{}
	for brand, d := range e.Domains {
		if d.Name != "" {
			other[brand] = d.Name
		}
	}
	return other
}

// wrongDomains returns what is wrong with the domains of an environment under
// scopes.yaml: a brand that the file lacks, and a domain that two settings want
// otherwise.
func (e Environment) wrongDomains(data []byte, scopes *scope.Registry) strictyaml.Mistakes {
	var wrong strictyaml.Mistakes
	note := func(path []string, format string, args ...any) {
		wrong = append(wrong, strictyaml.Mistake{Line: lineIn(data, path), What: path[len(path)-1] + ": " + fmt.Sprintf(format, args...)})
	}
	first := map[string]scope.Scope{} // the brand that has a domain, by the domain
	for _, brand := range slices.Sorted(maps.Keys(e.Domains)) {
		path := []string{"environments", e.Name, domains, string(brand)}
		entry, known := scopes.Lookup(brand)
		if !known || brand != brand.Brand() {
			note(path, "is no brand of %s", names.ScopesFile)
			continue
		}
		d, at := e.Domains[brand], entry.LinkDomain
		if other, taken := first[at]; taken && (d.Certificate != e.Domains[other].Certificate || d.Zone != e.Domains[other].Zone) {
			note(path, "%s is the domain of %s, too, with another certificate or zone", at, other)
		}
		first[at] = brand
	}
	for _, entry := range scopes.All() {
		if e.ToolsDomain.Name != "" && entry.LinkDomain == e.ToolsDomain.Name && entry.Scope == entry.Scope.Brand() {
			note([]string{"environments", e.Name, toolsDomain}, "%s is the domain of the links of %s: the tools' API needs its own", e.ToolsDomain.Name, entry.Scope)
		}
	}
	return wrong
}

// lineIn is the line of the first value at or below a path.
func lineIn(data []byte, path []string) int {
	for _, value := range strictyaml.Values(data) {
		if len(value.Path) >= len(path) && slices.Equal(value.Path[:len(path)], path) {
			return value.Line
		}
	}
	return 0
}
