// Package environment reads environments.yaml: the accounts and regions that the
// system is deployed to, each with its settings. It promises that one reading names
// every mistake with its line, and that no two environments of an account share a
// name. It refuses what was never filled in: an environment in production must not
// have placeholders in its own stanza, in the brands or in the policy.
package environment

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/strictyaml"
)

// Local is the name of the environment of the local stack, which no file describes.
const Local = "local"

// Environment is one place to deploy to.
type Environment struct {
	Name             string
	Account          string
	Region           string
	Prefix           names.Stack // of every name, and the name of the stack
	Production       bool
	Architecture     string   // arm64 or amd64, as Go names it
	Alarms           []string // the e-mail or https addresses that alarms go to
	LinksConcurrency uint64   // executions reserved for each link function; 0 for none
	Throttles        map[string]Throttle
	LogDays          uint64
	Tracing          bool
	CustomerKeys     bool              // a key of the customer encrypts all that is stored
	FeedbackAccounts []string          // the other accounts that may publish feedback and replies
	Tables           map[string]string // the names of tables that were restored, by the tables' ids
	EvidenceReplica  Replica
	BackupVault      string                 // the ARN of a vault elsewhere that gets copies of the tables; "" for none
	Domains          map[scope.Scope]Domain // of the brands' links
	ToolsDomain      Domain                 // of the tools' API; without a name where it has none
}

// Throttle is how often a route of the tools' API may be called: requests a second,
// and requests at once.
type Throttle struct{ Rate, Burst uint64 }

// Deployed is the stack of the environment.
func (e Environment) Deployed() names.Deployed {
	return names.Deployed{Stack: e.Prefix, Restored: e.Tables}
}

// WithDefaults is an environment of which nothing is set.
func WithDefaults() Environment {
	e := Environment{
		Architecture:     "arm64",
		LinksConcurrency: 50,
		Throttles:        map[string]Throttle{},
		LogDays:          90,
	}
	for _, route := range append(names.ToolRoutes(), names.HookRoutes) {
		e.Throttles[route] = Throttle{Rate: 100, Burst: 200}
	}
	return e
}

// Load reads environments.yaml. Its error is a strictyaml.Mistakes with every
// mistake.
func Load(data []byte) ([]Environment, error) {
	doc := strictyaml.Parse(data)
	stanzas := doc.Top().Mapping("environments")
	var all []Environment
	for _, name := range stanzas.Names() {
		f := stanzas.Mapping(name)
		e := read(name, f)
		for _, other := range all {
			checkApart(f, e, other)
			checkDomains(f, e, other)
		}
		all = append(all, e)
	}
	if err := doc.Err(); err != nil || len(all) > 0 {
		return all, err
	}
	return nil, strictyaml.Mistakes{{Line: 1, What: "environments: no environment is here"}}
}

// The forms of settings.
var (
	named       = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	account     = regexp.MustCompile(`^[0-9]{12}$`)
	prefix      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	mailAddress = regexp.MustCompile(`^[^@\s,;:<>"()]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$`)
	pageAddress = regexp.MustCompile(`^https://[^\s/]+(/\S*)?$`)
)

// mostPrefix is the longest prefix with which the names of all parts keep within
// AWS's limits. A class's name may be too long for a shorter prefix: FitsClass.
const mostPrefix = 20

func read(name string, f *strictyaml.Fields) Environment {
	e := WithDefaults()
	e.Name = name
	if !named.MatchString(name) || name == Local {
		f.Note("the environment %q must be named in lower-case letters, digits and hyphens, and not %s", name, Local)
	}
	e.Account = f.Matching("account", account, "must be 12 digits in quotation marks")
	if e.Region = f.Text("region"); e.Region != "" && !slices.Contains(Regions(), e.Region) {
		f.Wrong("region", "must be a region of AWS or of its GovCloud, as in eu-north-1")
	}
	e.Prefix = names.Stack(f.Matching("prefix", prefix, "must be lower-case letters, digits and single hyphens, a letter first"))
	if len(e.Prefix) > mostPrefix {
		f.Wrong("prefix", "must be at most %d characters", mostPrefix)
	}
	if strings.HasPrefix(string(e.Prefix), "aws") || strings.HasPrefix(string(e.Prefix), "ssm") {
		f.Wrong("prefix", "must not begin with aws or ssm: AWS keeps these names of parameters for itself")
	}
	e.Production = f.Flag("production")
	optional := f.Optional()
	e.Architecture = cmp.Or(optional.Text("architecture"), e.Architecture)
	if e.Architecture != "arm64" && e.Architecture != "amd64" {
		f.Wrong("architecture", "must be arm64 or amd64")
	}
	e.Alarms = optional.Texts("alarms")
	for i, address := range e.Alarms {
		if !mailAddress.MatchString(address) && !pageAddress.MatchString(address) {
			f.Wrong("alarms", "must be e-mail addresses, or addresses that begin with https://; number %d is neither", i+1)
		}
		if slices.Contains(e.Alarms[:i], address) {
			f.Wrong("alarms", "number %d is here twice", i+1)
		}
	}
	if f.Has("linksConcurrency") {
		e.LinksConcurrency = f.WholeOr("linksConcurrency", "none", 1, 1000)
	}
	readThrottles(f, e.Throttles)
	e.LogDays = cmp.Or(optional.Whole("logDays", 1, 3653), e.LogDays)
	if !slices.Contains(logDays(), e.LogDays) {
		f.Wrong("logDays", "must be one of %s", strings.Trim(fmt.Sprint(logDays()), "[]"))
	}
	e.Tracing = f.Flag("tracing")
	e.CustomerKeys = f.Flag("customerKeys")
	e.FeedbackAccounts = optional.Texts("feedbackAccounts")
	for _, other := range e.FeedbackAccounts {
		if !account.MatchString(other) {
			f.Wrong("feedbackAccounts", "must be accounts of 12 digits in quotation marks")
		}
	}
	e.Tables = readTables(f, e.Prefix)
	readDomains(f, &e)
	readCopies(f, &e)
	return e
}

func readThrottles(f *strictyaml.Fields, throttles map[string]Throttle) {
	all := f.Optional().Mapping("throttles")
	for route := range throttles {
		if all.Has(route) {
			one := all.Mapping(route)
			throttles[route] = Throttle{Rate: one.Whole("rate", 1, 100_000), Burst: one.Whole("burst", 1, 100_000)}
		}
	}
}

// Regions are the regions that a stack can be deployed to. Other partitions of AWS lack
// services that the stack needs.
func Regions() []string {
	return []string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
		"ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
		"il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
	}
}

// logDays are the days for which CloudWatch can keep logs.
func logDays() []uint64 {
	return []uint64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// checkApart notes where a name in one environment could be a name in the other.
// Some names are the same in every region of an account.
func checkApart(f *strictyaml.Fields, e, other Environment) {
	if e.Account != other.Account || e.Prefix == "" || other.Prefix == "" {
		return
	}
	if e.Prefix == other.Prefix {
		f.Wrong("prefix", "%s is the prefix of %s in the same account: every name would be there twice", e.Prefix, other.Name)
		return
	}
	short, long := string(e.Prefix), string(other.Prefix)
	if len(short) > len(long) {
		short, long = long, short
	}
	for _, of := range []struct{ has, foreign Environment }{{e, other}, {other, e}} {
		for id, name := range of.has.Tables {
			if strings.HasPrefix(name, of.foreign.Prefix.Table("")) && len(of.foreign.Prefix) > len(of.has.Prefix) {
				f.Note("the table %s of %s has a name of %s, in the same account: %s", id, of.has.Name, of.foreign.Name, name)
			}
		}
	}
	// These parts of a name are followed by a name that the deployer chooses.
	for _, part := range []string{"-data", "-records", "-purge", "-audit", "-overdue", "-rewritten"} {
		if rest, ok := strings.CutPrefix(long, short+part); ok && (rest == "" || rest[0] == '-') {
			f.Wrong("prefix", "%s and %s, of %s in the same account, could name two things alike", e.Prefix, other.Prefix, other.Name)
		}
	}
}

// mostSchedule is the longest name of a schedule. A purge that is scheduled once has
// a time behind its name.
const (
	mostSchedule = 64
	onceSuffix   = "-20060102T150405Z"
)

// FitsClass returns an error where the names of a class's parts would be too long.
func (e Environment) FitsClass(class string) error {
	if name := e.Prefix.Purge(class) + onceSuffix; len(name) > mostSchedule {
		return fmt.Errorf("the class %s and the prefix %s are %d characters too long together: AWS refuses the schedule %s", class, e.Prefix, len(name)-mostSchedule, name)
	}
	return nil
}
