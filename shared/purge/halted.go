package purge

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"stille/shared/certificate"
)

var (
	// ErrNoPlan means that the class has no halted plan of this name: a newer
	// plan replaced it, it was approved before, or it is too old.
	ErrNoPlan = errors.New("no such plan waits for an approval")
	// ErrOwnApproval means that the approver is, or may be, the person who started or
	// scheduled the run that was halted.
	ErrOwnApproval = errors.New("the person who started or scheduled the halted run may not approve it: another operator must")
	// ErrUnnamed means that the approver's session has no name that somebody chose.
	ErrUnnamed = errors.New("your session does not say who you are: sign in as a user, or choose a session name (AWS_ROLE_SESSION_NAME, role_session_name) and approve again")
	// ErrPlanTooOld means that the plan was halted longer than ApprovableFor
	// ago.
	ErrPlanTooOld = errors.New("the plan is over seven days old")
	// ErrNotApproved means that nobody approved the plan.
	ErrNotApproved = errors.New("the plan was not approved")
	// ErrOtherPlanPolicy means that the plan was made under another policy than
	// the deployed one.
	ErrOtherPlanPolicy = errors.New("the policy changed since the plan was made")
)

// ApprovableFor is how long a halted plan may be approved and run.
const ApprovableFor = 7 * 24 * time.Hour

// HaltedPlan is the plan of a class that the brake halted and that may be
// approved. A newer halted plan replaces it. Its JSON is the operator's view.
type HaltedPlan struct {
	Class      string    `json:"-" store:"class"`
	Run        string    `json:"run" store:"haltedRun"` // the halted run
	PlanHash   string    `json:"planHash" store:"planHash"`
	PolicyHash string    `json:"-" store:"policyHash"`
	Cutoff     time.Time `json:"-" store:"cutoff"`
	Shards     []int     `json:"-" store:"shards"` // number of records of each shard that would be deleted
	Reasons    []string  `json:"reasons" store:"reasons"`
	HaltedAt   time.Time `json:"haltedAt" store:"haltedAt"`
	StartedBy  string    `json:"-" store:"startedBy,omitempty"`  // who started or scheduled the run; empty for the nightly schedule and a bare execution
	ApprovedBy string    `json:"approvedBy,omitempty" store:"-"` // empty until the approval
	ApprovedAt time.Time `json:"-" store:"-"`
	UntilDone  bool      `json:"untilDone,omitempty" store:"-"` // the approval covers every run until the plan's records are gone
}

// Approval is one person's approval of a halted plan.
type Approval struct {
	PlanHash  string    `store:"-"`
	By        string    `store:"approvedBy"` // the principal
	At        time.Time `store:"approvedAt"`
	UntilDone bool      `store:"untilDone,omitempty"`
}

// TooOld reports whether it is too late at now to approve or run the plan.
func (p HaltedPlan) TooOld(now time.Time) bool { return now.Sub(p.HaltedAt) > ApprovableFor }

// MayApprove returns nil if the principal, an ARN of STS, may approve the plan at
// now, else ErrUnnamed, ErrOwnApproval or ErrPlanTooOld. It is the only rule on who
// may approve. Everybody with a name may approve a run that nobody started. A
// starter that is no ARN is nobody: a bare execution can name any text.
func (p HaltedPlan) MayApprove(by string, now time.Time) error {
	who, known := parsePrincipal(by)
	starter, started := parsePrincipal(p.StartedBy)
	switch {
	case !known || !who.chosen:
		return ErrUnnamed
	case started && who.isPerson(starter):
		return ErrOwnApproval
	case p.TooOld(now):
		return ErrPlanTooOld
	}
	return nil
}

// MayRun returns nil if a run may carry out the plan at now under the policy of
// this hash, else the reason. An approval until done must be in time; its runs may
// be later.
func (p HaltedPlan) MayRun(policyHash string, now time.Time) error {
	if p.ApprovedBy == "" {
		return ErrNotApproved
	}
	if p.UntilDone {
		now = p.ApprovedAt
	}
	if err := p.MayApprove(p.ApprovedBy, now); err != nil {
		return err
	}
	if p.PolicyHash != policyHash {
		return ErrOtherPlanPolicy
	}
	return nil
}

// amounts are the numbers of records, by shard, that a run would delete.
type amounts struct {
	due     []int // at the run's cutoff
	backlog []int // of them, due at the approved plan's cutoff already; equal to due without an approved plan
}

// Objections lists what speaks against deleting the due records of each shard under
// the approval of the plan. The backlog is what was due at the plan's cutoff already:
// it may only shrink, but for the growth that an approval covers. What became due
// since must be as plausible as any night's.
func (p HaltedPlan) Objections(backlog, due []int, brake Brake) []string {
	if ShardsGrown(p.Shards, backlog) {
		return []string{"a shard holds more than was approved"}
	}
	var reasons []string
	brake.Going = sum(due) - sum(backlog)
	for _, reason := range brake.Amount() {
		reasons = append(reasons, "beside the approved backlog, "+reason)
	}
	return reasons
}

// Shrink returns the plan with the backlog as it is now. What is gone from a shard
// needs a new approval to come back.
func (p HaltedPlan) Shrink(backlog []int) HaltedPlan {
	p.Shards = slices.Clone(p.Shards)
	for n := range p.Shards {
		p.Shards[n] = min(p.Shards[n], backlog[n])
	}
	return p
}

// IsDone reports whether one of the runs deleted the last of the plan's records. Held
// and failed records do not keep an approval alive.
func (p HaltedPlan) IsDone(runs []Run) bool {
	return slices.ContainsFunc(runs, func(r Run) bool {
		return r.UntilDone && r.PlanHash == p.PlanHash && r.Outcome == certificate.Completed && r.Counts.Left == 0
	})
}

// principal is who STS says that somebody is. Two principals are one person if
// their persons are equal, whatever the account: somebody may work in two.
type principal struct {
	account string
	role    string // the assumed role; "user", "federated-user" or "root" for the others
	person  string // the user, or the session of the role; "root" for an account's root
	chosen  bool   // somebody chose the person's name: no SDK, service or machine made it up
}

const (
	identityCenter = "AWSReservedSSO_" // begins every role of IAM Identity Center: its sessions are named after its users
	kindUser       = "user"
	kindFederated  = "federated-user"
	kindRoot       = "root"
)

// parsePrincipal reads the ARN of STS GetCallerIdentity; false for any other text.
func parsePrincipal(arn string) (principal, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" && parts[2] != "sts" {
		return principal{}, false
	}
	path := strings.Split(parts[5], "/")
	p := principal{account: parts[4], role: path[0], person: path[len(path)-1], chosen: true}
	switch {
	case p.role == kindRoot && len(path) == 1:
	case p.role == kindUser && len(path) > 1:
	case p.role == kindFederated && len(path) == 2:
		p.chosen = !isGenerated(p.role, p.person)
	case p.role == "assumed-role" && len(path) == 3:
		p.role = path[1]
		p.chosen = strings.HasPrefix(p.role, identityCenter) || !isGenerated(p.role, p.person)
	default:
		return principal{}, false
	}
	return p, p.person != "" && p.role != ""
}

// isPerson reports whether both may be one person. A session whose name nobody chose
// may be anybody who may assume the role.
func (p principal) isPerson(other principal) bool {
	if strings.EqualFold(p.person, other.person) {
		return true
	}
	return (!p.chosen || !other.chosen) && p.account == other.account && p.role == other.role
}

var (
	// generatedNames begin the names of sessions that SDKs, services and tools make
	// up.
	generatedNames = regexp.MustCompile(`(?i)^(aws|amazon|boto|default[-_]?session|web[-_]?identity|assume[-_]?role|` +
		`terraform|pulumi|github[-_]?actions?|gitlab|jenkins|circleci|bitbucket|buildkite|codebuild|cloudformation|cognito|` +
		`(eks|ecs|emr|ssm|ec2|glue|lambda|sagemaker|session|ip)[-_]|m?i-[0-9a-f]{8,}$)`)
	// generatedParts stand in generated names: a time or another long number, a UUID or
	// other hexadecimal digits.
	generatedParts = regexp.MustCompile(`(?i)[0-9]{9,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|^[0-9._-]+$|[0-9a-f]{16,}`)
	alphanumeric   = regexp.MustCompile(`^[A-Za-z0-9]{20,}$`)
	separators     = regexp.MustCompile(`[^a-z0-9]+`)
	ofFunction     = regexp.MustCompile(`^(lambda|execution|service)*role`)
)

// isGenerated reports whether the session's name looks generated: nobody chose it.
// A Lambda function's session has the function's name, and its role's name usually
// begins with that name too.
func isGenerated(role, session string) bool {
	if generatedNames.MatchString(session) || generatedParts.MatchString(session) {
		return true
	}
	if alphanumeric.MatchString(session) && strings.ContainsAny(session, "0123456789") && strings.ToLower(session) != session {
		return true
	}
	plain := func(name string) string { return separators.ReplaceAllString(strings.ToLower(name), "") }
	rest, begins := strings.CutPrefix(plain(role), plain(session))
	return begins && (rest == "" || ofFunction.MatchString(rest))
}

// newApprover names a principal as a certificate does: by its role, and by a keyed
// hash of its ARN. Only a holder of the key can show who it was.
func newApprover(arn string, untilDone bool, hmac func(class, id string) string) *certificate.Approver {
	p, _ := parsePrincipal(arn) // MayApprove refuses any other text
	return &certificate.Approver{Role: p.role, Hash: hmac(approverClass, arn), UntilDone: untilDone}
}

// approverClass stands in the place of a class where an approver is hashed. No class
// has a # in its name.
const approverClass = "#approver"
