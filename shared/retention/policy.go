package retention

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"stille/shared/strictyaml"
)

// BackupDays is how many days a backup of a class table lives. For that many days
// a backup may still hold a deleted record.
const BackupDays = 7

// BackupGoneOn is the first day, in UTC, on which no backup holds a record that
// was deleted at deletedAt.
func BackupGoneOn(deletedAt time.Time) Day {
	t := deletedAt.UTC().Add((BackupDays + 1) * 24 * time.Hour)
	return Day{Year: t.Year(), Month: t.Month(), Day: t.Day()}
}

// Class is one row of the policy: records that share a promise. LoadPolicy
// makes the classes.
type Class struct {
	Name               string // lower-case letters, digits and hyphens; names the class's table
	Promise            Period // what the privacy policy promises at most
	Keep               Period // how long we keep the record; never longer than Promise
	Idle               Period // a running record without activity for longer is reported to Owner
	Anchor             string // the event that starts the period, in words
	Zone               string // IANA name of the zone whose dates count
	Schedule           string // EventBridge cron expression in Zone, once a day
	Owner              string // who answers for the class
	LegalBasis         string
	Sentence           string   // the sentence of the privacy policy that this implements
	Buckets            []string // the S3 buckets in which its records' objects may lie; none = they have no objects
	BucketPrefix       string   `json:",omitempty"` // ByScope: an object's key begins with its record's scope; "" = any key
	Most               int      // the number of records that one purge deletes; the next takes the rest
	BackupAcknowledged string   // who accepted that backups may outlive the promise; "" = nobody
	Retired            bool     `json:",omitempty"` // it takes no more records and is purged until it has none
	Minimum            Period   `json:",omitzero"`  // a law keeps the record for that long at least; the zero Period = no law does
	KeptBy             string   `json:",omitempty"` // the law behind Minimum; "" = none

	location *time.Location
}

// Hash is the SHA-256, in hex, of the meaning of the class: comments, layout, other
// classes and a default written out do not change it. A plan and a certificate rest
// on it.
func (c Class) Hash() string { return hashOf(c) }

// Location is the class's zone.
func (c Class) Location() *time.Location { return c.location }

// Policy is the content of a retention.yaml without mistakes.
type Policy struct {
	Classes []Class // in the file's order
}

// ErrUnknownClass means that the policy has no class of this name: for example,
// the class was removed while its purge was scheduled or running.
var ErrUnknownClass = errors.New("the retention policy has no such class")

// Class finds a class by its name.
func (p *Policy) Class(name string) (Class, bool) {
	i := slices.IndexFunc(p.Classes, func(c Class) bool { return c.Name == name })
	if i < 0 {
		return Class{}, false
	}
	return p.Classes[i], true
}

// Hash is the SHA-256, in hex, of the meaning of the policy: comments, layout,
// the order of classes and a default written out do not change it.
func (p *Policy) Hash() string {
	return hashOf(slices.SortedFunc(slices.Values(p.Classes), func(a, b Class) int { return strings.Compare(a.Name, b.Name) }))
}

// LoadPolicy reads retention.yaml. Its error is a strictyaml.Mistakes with
// every mistake.
func LoadPolicy(data []byte) (*Policy, error) {
	doc := strictyaml.Parse(data)
	policy := &Policy{}
	for _, f := range doc.Top().List("classes") {
		c := readClass(f)
		if _, twice := policy.Class(c.Name); twice && c.Name != "" {
			f.Wrong("class", "%s is here twice", c.Name)
		}
		policy.Classes = append(policy.Classes, c)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return policy, nil
}

// The defaults of the file.
const (
	defaultZone = "Europe/Oslo"
	defaultIdle = "P90D"
	defaultMost = 5_000_000
)

// mostMost is the number of records that one purge can account for.
const mostMost = 10_000_000

var className = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

func readClass(f *strictyaml.Fields) Class {
	c := Class{
		Name:       f.Text("class"),
		Promise:    readPeriod(f, "promise"),
		Keep:       readPeriod(f, "keep"),
		Anchor:     f.Text("anchor"),
		Schedule:   f.Text("schedule"),
		Owner:      f.Text("owner"),
		LegalBasis: f.Text("legalBasis"),
		Sentence:   f.Text("sentence"),
	}
	optional := f.Optional()
	c.Zone = cmp.Or(optional.Text("zone"), defaultZone)
	if c.Idle = readPeriod(optional, "idle"); !f.Has("idle") {
		c.Idle, _ = ParsePeriod(defaultIdle)
	}
	c.Most = cmp.Or(int(optional.Whole("most", 1, mostMost)), defaultMost) //nolint:gosec // never that large
	c.BackupAcknowledged = optional.Text("backupAcknowledged")
	c.Retired = f.Flag("retired")
	c.Minimum, c.KeptBy = readPeriod(optional, "minimum"), optional.Text("keptBy")
	switch {
	case f.Has("minimum") && !f.Has("keptBy"):
		f.Wrong("minimum", "needs keptBy, the law that keeps the records")
	case f.Has("keptBy") && !f.Has("minimum"):
		f.Wrong("keptBy", "needs minimum, how long the law keeps a record")
	}
	c.Buckets = readBuckets(optional)
	c.BucketPrefix = optional.Text("bucketPrefix")
	switch {
	case c.BucketPrefix != "" && c.BucketPrefix != ByScope:
		f.Wrong("bucketPrefix", "must be %s, or left out", ByScope)
	case c.BucketPrefix != "" && len(c.Buckets) == 0:
		f.Wrong("bucketPrefix", "needs buckets")
	}
	if c.Name != "" && !className.MatchString(c.Name) {
		f.Wrong("class", "must be up to 30 lower-case letters, digits and hyphens, a letter first")
	}
	c.location = readZone(f, c.Zone)
	checkSchedule(f, c)
	checkPeriods(f, c)
	return c
}

// readPeriod returns the zero Period only after noting a mistake.
func readPeriod(f *strictyaml.Fields, name string) Period {
	text := f.Text(name)
	if text == "" {
		return Period{}
	}
	p, err := ParsePeriod(text)
	if err != nil {
		f.Wrong(name, "%v", err)
	}
	return p
}

func readZone(f *strictyaml.Fields, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		f.Wrong("zone", "%q is no zone of the IANA database", name)
		return nil
	}
	return zone
}

// hashOf hashes a class, or classes, with all fields.
func hashOf(what any) string {
	canonical, _ := json.Marshal(what) // texts, lists of texts, periods and flags always marshal
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// MarshalText returns String, so that a Period looks the same in JSON and in
// the file.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// bounds limit the periods of a class, whatever retention.yaml says: a slip in
// that file must neither delete last week's records nor keep personal data
// longer than the privacy policies allow. A zero most sets no upper bound.
type bounds struct{ least, most Period }

// boundsOf returns the bounds of a class. They are code, so that a change of a
// bound is reviewed as code.
func boundsOf(class string) bounds {
	month := Period{1, 'M'}
	switch class {
	case "communication":
		return bounds{month, Period{6, 'M'}}
	case "messaging":
		return bounds{month, Period{2, 'Y'}}
	case "contact", "service":
		return bounds{month, Period{5, 'Y'}}
	}
	return bounds{least: Period{30, 'D'}}
}

// checkPeriods compares a class's periods with each other and with its bounds.
// A comparison of days with months takes the start for which it comes out
// worst.
func checkPeriods(f *strictyaml.Fields, c Class) {
	allowed := boundsOf(c.Name)
	for _, p := range []struct {
		field string
		Period
	}{{"promise", c.Promise}, {"keep", c.Keep}} {
		switch {
		case p.Period == Period{} || c.Name == "":
		case allowed.least.MayOutlast(p.Period):
			f.Wrong(p.field, "%v may be shorter than %v, the least for %s", p.Period, allowed.least, c.Name)
		case allowed.most != Period{} && p.MayOutlast(allowed.most):
			f.Wrong(p.field, "%v may be longer than %v, the most for %s", p.Period, allowed.most, c.Name)
		}
	}
	if c.Keep != (Period{}) && c.Minimum != (Period{}) && c.Minimum.MayOutlast(c.Keep) {
		f.Wrong("keep", "%v may be shorter than the minimum, %v, for which a law keeps the record", c.Keep, c.Minimum)
	}
	if c.Keep == (Period{}) || c.Promise == (Period{}) {
		return
	}
	switch {
	case c.Keep.MayOutlast(c.Promise):
		f.Wrong("keep", "%v may be longer than the promise, %v", c.Keep, c.Promise)
	case c.Keep.mayOutlast(c.Promise, BackupDays) && c.BackupAcknowledged == "" && !f.Has("backupAcknowledged"):
		f.Wrong("keep", "with %d days in backups, %v may outlast the promise, %v: keep less, or say in backupAcknowledged who accepted that", BackupDays, c.Keep, c.Promise)
	}
}
