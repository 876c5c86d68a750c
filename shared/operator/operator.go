// Package operator holds the operator's use cases: what a command does, apart
// from its flags and from how its answer is printed. It promises that no use
// case shows an address, and that each answers by the policy and the scopes
// that are deployed, never by files of the working directory. It holds no rules
// of the domain and does no I/O but through its ports.
//
// How a command is made of it:
//
//   - A use case is a method of Operator. It takes plain values and returns
//     (*Answer, error). A use case with a file is a function of package files,
//     which knows the formats.
//   - The answer is a struct with JSON tags: `--json` prints it as it is.
//     scripts/stille holds the flags, the help and the text of the answer.
//   - An answer beside an error is printed too: the outcome calls for the
//     operator. Without an answer nothing is printed but the error.
//   - A request that is wrong is a Mistake (exit code 2); any other error is a
//     failure (exit code 1).
//   - A contact is a Person: Operator.contact finds its keys. Scopes and classes
//     are looked up with Operator.scope and Operator.Class.
//   - What a use case needs of the outside is a port below: a function or a few
//     methods, named for what they answer. scripts/stille/stack.go alone wires
//     AWS to them, and operatortest has them in memory.
package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Operator carries out the use cases on one deployed stack. Its fields are set
// once, before the first use case.
type Operator struct {
	Stack string // the stack's name
	Where string // the stack in words: "the stack stille on AWS in eu-north-1"
	Local bool   // the stack is one of `make run`, on the loopback address
	Now   func() time.Time

	Config       Config
	Suppressions Suppressions
	Ledger       Ledger
	Tools        Tools
	Hooks        Registry[hook.Hook]
	// HookBase returns the address below which other systems report opt-outs.
	HookBase func(ctx context.Context) (string, error)
	// CallHook calls a hook as a provider does, and returns the status of the answer.
	CallHook func(ctx context.Context, call hook.Sample) (status int, err error)
	Webhooks Webhooks
	// LastCall returns the last call of "hook/" and the id of a hook, or of "webhook/" and
	// the id of a webhook; the zero Call for none.
	LastCall func(ctx context.Context, id string) (hook.Call, error)

	Records    Records
	Holds      Holds
	Runs       Runs
	Queues     Queues
	Executions Executions

	// Announce sends the events about entries of the ledger, and tells webhooks.
	Announce func(ctx context.Context, entries []ledger.Entry) error

	// Drill returns the tables of a drill of a class, and the records of the restored
	// table; the name tells the drill from others. It is nil but on the local stack.
	Drill func(class, name string) (Drill, Records)
	// Signer signs the certificates of drills, with the key of the purges' certificates.
	Signer purge.Signer

	// ContactKeys returns the contact keys, and reads them again now and then: a
	// use case that runs for long asks again.
	ContactKeys func(ctx context.Context) (*contact.KeySet, error)
	// Principal is the ARN of who works here, as STS knows it.
	Principal func(ctx context.Context) (string, error)
	// Tables returns every table of the stack, those of the classes last.
	Tables func(ctx context.Context, classes []string) ([]Table, error)
	// Examinations are what Doctor looks at.
	Examinations []Examination
	// PrimaryKeys returns the primary key of each set. It counts nothing.
	PrimaryKeys func(ctx context.Context, now time.Time) ([]PrimaryKey, error)
	// Schedule schedules one purge for a principal. The error wraps ErrScheduled
	// where the class has a schedule for this time.
	Schedule func(ctx context.Context, class string, at time.Time, by string) (name string, err error)
	// Certificates opens the evidence bucket.
	Certificates func(ctx context.Context) (Certificates, error)
	// HMAC names a deleted record in the lists of certificates.
	HMAC func(ctx context.Context, class, id string) (string, error)
	// ProofKey is the id of the key that HMAC uses.
	ProofKey func(ctx context.Context) (string, error)
}

// Config tells what is deployed.
type Config interface {
	Policy(ctx context.Context) (*retention.Policy, error)
	Scopes(ctx context.Context) (*scope.Registry, error)
}

// Suppressions is the suppression list with its ledger. Every read is strong.
type Suppressions interface {
	// Lookup answers for every contact, each given by its keys, in their order.
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
	// ApplyAll is Apply for many changes. After an error any of them may be made.
	ApplyAll(ctx context.Context, requests []suppression.Request, now time.Time) ([]suppression.Result, error)
	// Under reads the item of one key alone, History the ledger entries of one key.
	Under(ctx context.Context, key contact.Key) (suppression.Item, error)
	History(ctx context.Context, key contact.Key) ([]ledger.Entry, error)
	// Each hands over every item. An item that cannot be read has its key alone.
	Each(ctx context.Context, each func(i suppression.Item, unreadable error) error) error
}

// Mistake is an error in what was asked for.
type Mistake string

// Error is the sentence for the operator.
func (m Mistake) Error() string { return string(m) }

// Mistakef makes a Mistake. It must not be given an address.
func Mistakef(format string, args ...any) error { return Mistake(fmt.Sprintf(format, args...)) }

// ErrInterrupted ends a use case at Ctrl-C, in place of what the services say of it.
var ErrInterrupted = errors.New("interrupted")

// Person is a contact as the operator names it.
type Person struct {
	Channel contact.Channel
	Address string
	Region  string // of a number without a country code; two letters
}

// Check returns nil, or a Mistake where the address cannot be read by any use case.
func (p Person) Check() error {
	_, err := p.read(contact.NormaliseAnyLength)
	return err
}

func (p Person) read(rules func(contact.Channel, string, string) (contact.Contact, error)) (contact.Contact, error) {
	c, err := rules(p.Channel, p.Address, p.Region)
	if err != nil {
		return c, Mistakef("the address cannot be read: %s", whyInvalid(err))
	}
	return c, nil
}

// Spelling is how the system writes an address, or why it cannot read it.
type Spelling struct {
	OK         bool   `json:"ok"`
	Normalised string `json:"normalised,omitempty"`
	Why        string `json:"why,omitempty"`
}

// Normalise tells how the system reads an address.
func Normalise(p Person) *Spelling {
	c, err := contact.Normalise(p.Channel, p.Address, p.Region)
	if err != nil {
		return &Spelling{Why: whyInvalid(err)}
	}
	return &Spelling{OK: true, Normalised: c.Address()}
}

// whyInvalid is what is wrong with an address, of an error of contact.Normalise.
func whyInvalid(err error) string {
	return strings.TrimPrefix(err.Error(), contact.ErrInvalid.Error()+": ")
}

// contact finds the keys of a person. A STOP is taken from a number of any length:
// the rules for a person who may be on the list are NormaliseAnyLength. The error
// of an address that cannot be read is a Mistake, and does not repeat the address.
func (o *Operator) contact(ctx context.Context, p Person, rules func(contact.Channel, string, string) (contact.Contact, error)) (contact.Known, error) {
	c, err := p.read(rules)
	if err != nil {
		return contact.Known{}, err
	}
	set, err := o.contactKeys(ctx)
	if err != nil {
		return contact.Known{}, err
	}
	return set.Known(c)
}

func (o *Operator) contactKeys(ctx context.Context) (*contact.KeySet, error) {
	set, err := o.ContactKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetching the contact keys: %w", err)
	}
	return set, nil
}

// scope finds a scope by its name: a brand, a topic or "*".
func (o *Operator) scope(ctx context.Context, name string) (scope.Scope, error) {
	if scope.Scope(name) == scope.Everywhere {
		return scope.Everywhere, nil
	}
	scopes, err := o.Config.Scopes(ctx)
	if err != nil {
		return "", err
	}
	entry, ok := scopes.Lookup(scope.Scope(name))
	if !ok {
		return "", Mistakef("there is no such scope; there are %s, and * for all", scopes.Names())
	}
	return entry.Scope, nil
}

// scopeOrOnly is scope for a name that may be left out where there is one brand.
func (o *Operator) scopeOrOnly(ctx context.Context, name string) (scope.Scope, error) {
	if name != "" {
		return o.scope(ctx, name)
	}
	scopes, err := o.Config.Scopes(ctx)
	if err != nil {
		return "", err
	}
	only, ok := scopes.Only()
	if !ok {
		return "", Mistakef("say --scope, as there is more than one brand: %s, or * for all", scopes.Names())
	}
	return only.Scope, nil
}

// Class finds a class of the deployed policy.
func (o *Operator) Class(ctx context.Context, name string) (retention.Class, *retention.Policy, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return retention.Class{}, nil, err
	}
	class, ok := policy.Class(name)
	if !ok {
		return class, policy, Mistakef("the deployed policy has no such class; it has %s", strings.Join(ClassNames(policy), ", "))
	}
	return class, policy, nil
}

// ClassNames are the names of a policy's classes, in its order.
func ClassNames(policy *retention.Policy) []string {
	names := make([]string, len(policy.Classes))
	for i, class := range policy.Classes {
		names[i] = class.Name
	}
	return names
}

func sortedKeys[K cmp.Ordered, V any](of map[K]V) []K { return slices.Sorted(maps.Keys(of)) }

// Records is the class tables.
type Records interface {
	purge.Records
	purge.StampedRecords // whose Get's error wraps retention.ErrNoRecord or retention.ErrUnreadable
	// OfSubject returns the ids of a contact's records. It lags behind by moments.
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	// Document returns a record with everything that is stored of it. Its error
	// wraps retention.ErrNoRecord.
	Document(ctx context.Context, class, id string) (retention.Document, error)
	// Slot returns the id of the contact's only record in a scope, or "".
	Slot(ctx context.Context, class string, subject contact.Key, in scope.Scope) (string, error)
	// Evidence answers for every contact, each given by its keys, in their order.
	Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error)
}

// Holds is the legal holds and restrictions.
type Holds interface {
	purge.Holds
	// Set places holds. Once it returns without an error no purge deletes what
	// they cover in these classes, except the records that came too late. After an
	// error the holds may stand already, and must be set again. It wraps
	// retention.ErrOtherKind where the case holds a target for the other kind.
	Set(ctx context.Context, classes []string, holds []retention.Hold) (retention.Placed, error)
	// Lift lifts the active holds that which selects, and returns them.
	Lift(ctx context.Context, which func(retention.Hold) bool, at time.Time, by string) ([]retention.Hold, error)
	// List returns all holds, lifted ones too, ordered by case and target.
	List(ctx context.Context) ([]retention.Hold, error)
	// History returns the holds of a case as each setting and each lifting left
	// them, the oldest event first.
	History(ctx context.Context, caseID string) ([]retention.Hold, error)
	// Events returns the history of every case, in no order.
	Events(ctx context.Context) ([]retention.Hold, error)
	// Restore brings holds into the state that the history tells, without an entry,
	// and raises the fences as Set does. A hold that somebody changed meanwhile is
	// left alone.
	Restore(ctx context.Context, classes []string, repairs []retention.HoldRepair) (retention.Placed, error)
}

// Runs is the purges and audits there were, and the halted plans.
type Runs interface {
	// Get's error wraps purge.ErrNoRun where the class has no such run.
	Get(ctx context.Context, class, id string) (purge.Run, error)
	List(ctx context.Context, class string) ([]purge.Run, error)
	// Stop's error wraps purge.ErrNoRun where the run has ended.
	Stop(ctx context.Context, class, run, by string) error
	// Halted's error wraps purge.ErrNoPlan where the class has no halted plan.
	Halted(ctx context.Context, class string) (purge.HaltedPlan, error)
	// Approve records one approval of a halted plan. Its error wraps purge.ErrNoPlan
	// where there is no such plan. It does not ask who may.
	Approve(ctx context.Context, class string, approval purge.Approval) error
	// Forget removes the class's halted plan.
	Forget(ctx context.Context, class string) error
}
