package operator

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// moment is a time as a file gives it.
type moment struct {
	at  time.Time
	day bool // a date without a time: at is the end of the day
}

// dayOrder says which number of 3/4/2024 is the day.
type dayOrder struct{ dayFirst, monthFirst bool }

// note learns the order from a date of which only one reading is a date.
func (d *dayOrder) note(text string) {
	if len(text) < len("1/2/24") || strings.IndexAny(text[:3], "/-") < 1 {
		return
	}
	if m := numericDate.FindStringSubmatch(text); m != nil {
		first, second := number(m[1]), number(m[3])
		d.dayFirst = d.dayFirst || first > 12 && second <= 12
		d.monthFirst = d.monthFirst || second > 12 && first <= 12
	}
}

// one reports whether the order is known.
func (d dayOrder) one() bool { return d.dayFirst != d.monthFirst }

var (
	yearDate    = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})`)
	compactDate = regexp.MustCompile(`^((?:19|20)\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T?(\d{2})(\d{2})(\d{2})?)?(Z?)$`)
	numericDate = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})(?:\D|$)`)
	namedDate   = regexp.MustCompile(`^(\d{1,2})\.?[ -]+(\pL+)\.?,?[ -]+(\d{4}|\d{2})\b`)
	ltDate      = regexp.MustCompile(`^(\d{4}) m\. (\pL+) (\d{1,2}) d\.`)
	usDate      = regexp.MustCompile(`^(\pL+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})`)
	weekday     = regexp.MustCompile(`^(\pL{2,12})\.?(?:(,) *| )`)
	clock       = regexp.MustCompile(`^(?:[Tt, ]+|(?: at| um| kl\.?| klo) )(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[Mm]\.?| Uhr)?`)
	offset      = regexp.MustCompile(`^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?(?: \(.*\)| [A-Z]{3,4})?$`)
	amount      = regexp.MustCompile(`^\d+([.,]\d+)?([eE]\+?\d{1,2})?$`)
)

// readTime reads a time in any common form. A time without a zone is one of the
// zone given. Of two readings of a date readTime returns the later reading that
// is not after now, and reports the doubt.
func readTime(text string, zone *time.Location, order dayOrder, now time.Time) (m moment, doubtful, ok bool) {
	text = strings.Join(strings.Fields(strings.Trim(text, `'="`)), " ")
	if amount.MatchString(text) && !compactDate.MatchString(text) {
		m, ok = readAmount(text, zone)
		return m, false, ok
	}
	for _, layout := range []string{time.ANSIC, time.UnixDate, time.RubyDate} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return moment{at: at}, false, true
		}
	}
	if m := compactDate.FindStringSubmatch(text); m != nil {
		if m[7] == "Z" {
			zone = time.UTC
		}
		made, ok := momentOf(date{number(m[1]), number(m[2]), number(m[3])}, m[4] != "", number(m[4]), number(m[5]), number(m[6]), 0, zone)
		return made, false, ok
	}
	if m := weekday.FindStringSubmatch(text); m != nil && (m[2] != "" || monthOf(m[1]) == 0) {
		text = text[len(m[0]):]
	}
	dates, rest := readDate(text, order)
	var readings []moment
	for _, d := range dates {
		if m, ok := d.with(rest, zone); ok {
			readings = append(readings, m)
		}
	}
	switch {
	case len(readings) == 0:
		return moment{}, false, false
	case len(readings) == 1 || readings[0].at.Equal(readings[1].at):
		return readings[0], false, true
	}
	m = readings[0]
	if other := readings[1]; m.at.After(now) || other.at.After(m.at) && !other.at.After(now) {
		m = other
	}
	return m, true, true
}

// tellsTime reports whether a text is a time, and no bare number: that may be an id.
func tellsTime(text string, now time.Time) bool {
	_, _, read := readTime(text, time.UTC, dayOrder{}, now)
	return read && !amount.MatchString(text)
}

// readAmount reads seconds, milliseconds, microseconds or nanoseconds since 1970,
// or the days of a spreadsheet.
func readAmount(text string, zone *time.Location) (moment, bool) {
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	const second, firstDay, lastDay, epoch = 1e8, 25569, 73051, 25569
	switch {
	case err != nil || n >= second*1e11:
		return moment{}, false
	case n >= second:
		unit := 1.0
		for n/unit >= second*1000 {
			unit *= 1000
		}
		whole, rest := math.Modf(n / unit)
		return moment{at: time.Unix(int64(whole), int64(math.Round(rest*1e6))*1000).UTC()}, true
	case n < firstDay || n > lastDay:
		return moment{}, false
	}
	days, rest := math.Modf(n)
	day := time.Unix(0, 0).UTC().AddDate(0, 0, int(days)-epoch)
	seconds := int(math.Round(rest * 24 * 60 * 60))
	return momentOf(date{day.Year(), int(day.Month()), day.Day()}, rest > 0, 0, 0, seconds, 0, zone)
}

// date is a day that may not exist.
type date struct{ year, month, day int }

// readDate returns the dates that a text may begin with, and the text behind.
func readDate(text string, order dayOrder) (dates []date, rest string) {
	if m := yearDate.FindStringSubmatch(text); m != nil {
		return []date{{number(m[1]), number(m[2]), number(m[3])}}, text[len(m[0]):]
	}
	if m := numericDate.FindStringSubmatchIndex(text); m != nil {
		first, second, year := number(text[m[2]:m[3]]), number(text[m[6]:m[7]]), fullYear(number(text[m[8]:m[9]]))
		dayFirst, monthFirst := date{year, second, first}, date{year, first, second}
		switch dotted := text[m[4]:m[5]] == "."; {
		case dotted || order.one() && order.dayFirst:
			dates = []date{dayFirst}
		case order.one():
			dates = []date{monthFirst}
		default:
			dates = []date{dayFirst, monthFirst}
		}
		return dates, text[m[9]:]
	}
	if m := namedDate.FindStringSubmatch(text); m != nil {
		return []date{{fullYear(number(m[3])), monthOf(m[2]), number(m[1])}}, text[len(m[0]):]
	}
	if m := ltDate.FindStringSubmatch(text); m != nil {
		return []date{{number(m[1]), monthOf(m[2]), number(m[3])}}, text[len(m[0]):]
	}
	if m := usDate.FindStringSubmatch(text); m != nil {
		return []date{{number(m[3]), monthOf(m[1]), number(m[2])}}, text[len(m[0]):]
	}
	return nil, text
}

// with reads the time of day and the zone behind a date.
func (d date) with(rest string, zone *time.Location) (moment, bool) {
	m := clock.FindStringSubmatch(rest)
	if m == nil {
		made, ok := momentOf(d, false, 0, 0, 0, 0, zone)
		return made, ok && strings.TrimSpace(rest) == ""
	}
	hour, half := number(m[1]), strings.ToLower(m[5])
	switch {
	case half == "p" && hour < 12:
		hour += 12
	case half == "a" && hour == 12:
		hour = 0
	}
	if zone = zoneOf(strings.TrimSpace(rest[len(m[0]):]), zone); zone == nil || hour > 23 || number(m[2]) > 59 || number(m[3]) > 60 {
		return moment{}, false
	}
	return momentOf(d, true, hour, number(m[2]), number(m[3]), number((m[4] + "000000000")[:9]), zone)
}

// zoneOf reads a zone; nil where there is no such zone.
func zoneOf(text string, zone *time.Location) *time.Location {
	switch hours := map[string]float64{
		"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
		"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	}; {
	case text == "":
		return zone
	case text == "z":
		return time.UTC
	default:
		if h, known := hours[strings.Trim(text, "()")]; known {
			return time.FixedZone(text, int(h*60*60))
		}
	}
	if m := offset.FindStringSubmatch(text); m != nil {
		seconds := 60 * (60*number(m[2]) + number(m[3]))
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(text, seconds)
	}
	if named, err := time.LoadLocation(text); err == nil && strings.Contains(text, "/") {
		return named
	}
	return nil
}

// momentOf makes the moment; of a date alone the end of the day.
func momentOf(d date, clock bool, hour, minute, second, nano int, zone *time.Location) (moment, bool) {
	if noon := time.Date(d.year, time.Month(d.month), d.day, 12, 0, 0, 0, zone); noon.Day() != d.day || int(noon.Month()) != d.month {
		return moment{}, false
	}
	if !clock {
		hour, minute, second = 23, 59, 59
	}
	return moment{at: time.Date(d.year, time.Month(d.month), d.day, hour, minute, second, nano, zone), day: !clock}, true
}

// months are the names of each month in the languages of the pages, and in French. Of
// two months that begin alike, the first has the short name.
const months = "january januar januari janvier tammikuuta sausio, february februar februari février fevrier helmikuuta vasario," +
	"march mars märz mrz marts maaliskuuta kovo, april avril huhtikuuta balandžio, may mai maj toukokuuta gegužės," +
	"june juni juin kesäkuuta birželio, july juli juillet heinäkuuta liepos, august augusti août aout elokuuta rugpjūčio," +
	"september septembre syyskuuta rugsėjo, october oktober octobre lokakuuta spalio," +
	"november novembre marraskuuta lapkričio, december desember dezember décembre decembre joulukuuta gruodžio"

// monthOf is the month of a name, or of its first three letters or more; 0 where
// there is none.
func monthOf(name string) int {
	name = strings.ToLower(name)
	begins := func(month string) bool {
		return strings.HasPrefix(month, name) || strings.HasPrefix(name, month[:min(len(month), len("marr"))]) // of a language that is not here
	}
	if utf8.RuneCountInString(name) < 3 {
		return 0
	}
	return 1 + slices.IndexFunc(strings.Split(months, ","), func(names string) bool { return slices.ContainsFunc(strings.Fields(names), begins) })
}

// fullYear is the year that two digits are short for.
func fullYear(year int) int {
	if year < 100 {
		year += 2000
	}
	return year
}

// number reads digits; 0 where there are none.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
