package purge

import (
	"regexp"
	"strings"

	"stille/shared/certificate"
)

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
