// Package numbering reads phone numbers by the numbering plans of the world:
// the country of a number, the digits that are dialled at home only, and the
// lengths that a country's numbers have.
//
// It promises the answers of libphonenumber's Parse and of its check of lengths,
// in the edition that the plans were generated from; the tests compare both. One
// answer differs: 49 and a German mobile number is no land line of 0491.
// It exists because the library reads all of its data when a program starts,
// which takes longer than the rest of a function's start, and because a check
// spends its time on the plans. It takes digits only: package contact reads
// what people write around them.
package numbering

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

//go:generate go run stille/scripts/numbering

// ErrNotANumber means that the digits are no phone number.
var ErrNotANumber = errors.New("not a phone number")

// The lengths that E.164 and its exceptions allow, in digits.
const (
	leastNational = 2
	mostNational  = 17
	mostDigits    = 250
	leastDigits   = 3 // 2 where there is no +
	mostCode      = 3
)

// Number is a phone number: its country calling code and the digits behind the
// code. Leading zeros that belong to the number are included.
type Number struct {
	Country  int
	National string
}

// AppendE164 appends the number as callers from anywhere dial it.
func (n Number) AppendE164(to []byte) []byte {
	return append(strconv.AppendInt(append(to, '+'), int64(n.Country), 10), n.National...)
}

// HasPossibleLength tells whether numbers of the country can have as many
// digits when dialled from anywhere.
func (n Number) HasPossibleLength() bool {
	p := planOfCode(n.Country)
	return p != nil && p.hasLength(n.National)
}

// WithoutTrunkZero drops the zero at an index of the digits, which somebody
// wrote in brackets because callers from abroad do not dial it. The zero stays
// where no country's code precedes it, and where it belongs to the number.
func WithoutTrunkZero(digits string, zero int, region string) string {
	code, rest := strings.TrimPrefix(digits[:zero], "+"), digits[zero+1:]
	p := planOf(region)
	if p != nil {
		code, _ = p.withoutInternationalPrefix(code)
	}
	if code != "" {
		n, _ := strconv.Atoi(code)
		p = planOfCode(n)
	}
	if p == nil || p.ownsZero(rest) {
		return digits
	}
	return digits[:zero] + rest
}

// IsCallAbroad tells whether digits are a number of another country as somebody in
// the region dials it, for example 0011 47 and a Norwegian number in Australia.
func IsCallAbroad(digits, region string) bool {
	home := planOf(region)
	if home == nil {
		return false
	}
	rest, dialled := home.withoutInternationalPrefix(digits)
	n, err := fromAnywhere(rest)
	return dialled && err == nil && slices.ContainsFunc(plans[:], func(p plan) bool { return p.code == n.Country && p.matches(n.National) })
}

// Parse reads digits, behind a + where the number has its country's code. The
// region, two capital letters (ISO 3166-1), is where somebody dials a number
// without +. Anything else is ErrNotANumber.
func Parse(digits, region string) (Number, error) {
	international, plus := strings.CutPrefix(digits, "+")
	if len(digits) > mostDigits || len(international) < leastNational || plus && len(international) < leastDigits || !IsDecimal(international) {
		return Number{}, ErrNotANumber
	}
	if plus {
		return fromAnywhere(international)
	}
	home := planOf(region)
	if home == nil {
		return Number{}, ErrNotANumber
	}
	if rest, dialled := home.withoutInternationalPrefix(digits); dialled {
		return fromAnywhere(rest)
	}
	if rest, found := home.withoutOwnCode(digits); found {
		return readNational(home.main(), rest)
	}
	return readNational(home, digits)
}

// fromAnywhere reads a number that begins with a country's code.
func fromAnywhere(digits string) (Number, error) {
	if len(digits) < leastDigits {
		return Number{}, ErrNotANumber
	}
	for i := 1; i <= mostCode; i++ {
		code, err := strconv.Atoi(digits[:i])
		if err != nil || code == 0 {
			break
		}
		if p := planOfCode(code); p != nil {
			return readNational(p, digits[i:])
		}
	}
	return Number{}, ErrNotANumber
}

// readNational reads a number as callers in the plan's country dial it. The national
// prefix is no part of the number, unless the rest is too short.
func readNational(p *plan, digits string) (Number, error) {
	if len(digits) < leastNational {
		return Number{}, ErrNotANumber
	}
	if stripped := p.withoutNationalPrefix(digits); p.hasLength(stripped) || p.isTooLong(stripped) {
		digits = stripped
	}
	if len(digits) < leastNational || len(digits) > mostNational {
		return Number{}, ErrNotANumber
	}
	return Number{Country: p.code, National: digits}, nil
}

// IsDecimal tells whether a text holds nothing but digits of ASCII.
func IsDecimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
