package numbering

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// plan is the numbering plan of a region.
type plan struct {
	region string
	code   int // country calling code
	// The prefixes of a call out of the country, and of a call within it.
	international, national prefix
	// transform rewrites the match of national, if a group of national matched.
	transform string
	valid     string // pattern of all its numbers
	mobile    string // pattern of its mobile numbers, where the country's code before one makes another number
	// A bit for each length in digits: of all numbers, and of numbers that only
	// callers near by can dial.
	lengths, localLengths uint32
}

// prefix is a pattern at the beginning of digits.
type prefix struct {
	pattern string // empty where there is none
	starts  string // the digits that a match can begin with
	literal bool   // the pattern is digits only
}

// find returns the indexes of the match and its groups; nil for none.
func (x prefix) find(digits string) []int {
	switch {
	case x.pattern == "" || digits == "" || strings.IndexByte(x.starts, digits[0]) < 0:
		return nil
	case !x.literal:
		return compiled("^(?:" + x.pattern + ")").FindStringSubmatchIndex(digits)
	case strings.HasPrefix(digits, x.pattern):
		return []int{0, len(x.pattern)}
	}
	return nil
}

// patterns are the patterns of plans that were compiled so far.
var patterns sync.Map //nolint:gochecknoglobals // the plans are constants

func compiled(pattern string) *regexp.Regexp {
	if found, ok := patterns.Load(pattern); ok {
		return found.(*regexp.Regexp)
	}
	made := regexp.MustCompile(pattern)
	patterns.Store(pattern, made)
	return made
}

func planOf(region string) *plan {
	at, found := slices.BinarySearchFunc(plans[:], region, func(p plan, region string) int { return strings.Compare(p.region, region) })
	if !found {
		return nil
	}
	return &plans[at]
}

// planOfCode is the plan of the main country with the code, nil for an unknown code.
func planOfCode(code int) *plan {
	if code >= len(mains) || mains[code] == 0 {
		return nil
	}
	return &plans[mains[code]-1]
}

func (p *plan) main() *plan { return planOfCode(p.code) }

func (p *plan) matches(digits string) bool { return matches(p.valid, digits) }

func matches(pattern, digits string) bool {
	return compiled("^(?:" + pattern + ")$").MatchString(digits)
}

// withoutInternationalPrefix strips the prefix of a call out of the country. No
// country's code begins with 0.
func (p *plan) withoutInternationalPrefix(digits string) (string, bool) {
	match := p.international.find(digits)
	if match == nil || strings.HasPrefix(digits[match[1]:], "0") {
		return digits, false
	}
	return digits[match[1]:], true
}

// withoutOwnCode strips the country's own code, written without a +, if only the
// rest is a number, or if the number is too long with the code. German numbers may be
// long enough for both: 49 and a mobile number is a mobile number without its +.
func (p *plan) withoutOwnCode(digits string) (string, bool) {
	rest, found := strings.CutPrefix(digits, strconv.Itoa(p.code))
	if !found {
		return digits, false
	}
	rest = p.withoutNationalPrefix(rest)
	return rest, p.isTooLong(digits) || !p.matches(digits) && p.matches(rest) || p.mobile != "" && matches(p.mobile, rest)
}

// withoutNationalPrefix strips the prefix of a call within the country, unless
// the number is valid with the prefix and invalid without.
func (p *plan) withoutNationalPrefix(digits string) string {
	match := p.national.find(digits)
	if match == nil {
		return digits
	}
	stripped := digits[match[1]:]
	if p.transform != "" && match[len(match)-2] >= 0 {
		stripped = compiled("^(?:"+p.national.pattern+")").ReplaceAllString(digits, p.transform)
	}
	if p.matches(digits) && !p.matches(stripped) {
		return digits
	}
	return stripped
}

// withoutZero are the Italian numbers that have no zero of a land line before
// them: more than nine digits, or a service.
const withoutZero = `^(?:0|\d{10}|8(?:00|4[08]|9[259])\d{6}$)`

// ownsZero tells whether the digits are a number of the plan only with a zero
// before them. In Italy both can be a number by the plan.
func (p *plan) ownsZero(digits string) bool {
	const italy = 39
	isWhole := p.matches(digits)
	if p.code == italy {
		isWhole = compiled(withoutZero).MatchString(digits)
	}
	return !isWhole && p.matches("0"+digits)
}

// hasLength tells whether numbers of the plan have as many digits, wherever they are
// dialled from.
func (p *plan) hasLength(digits string) bool {
	n := lengthBit(digits)
	return p.localLengths&n == 0 && p.lengths&n != 0
}

// isTooLong tells whether every number of the plan has fewer digits.
func (p *plan) isTooLong(digits string) bool {
	n := lengthBit(digits)
	return p.localLengths&n == 0 && p.lengths != 0 && p.lengths < n
}

func lengthBit(digits string) uint32 { return 1 << min(len(digits), 31) }
