// Package schema names what the system is made of: tables, indexes,
// attributes, functions, routes, secrets and environment variables. The CDK
// app creates these names and the code reads them, so each stands here once.
// It holds names only, imports nothing of ours and decides nothing.
//
// Every physical name starts with the stack's name, so that two stacks live in
// one account; only buckets get generated names and travel as variables.
package schema

import "strings"

// Stack is the name of a deployed stack ("stille"), the prefix of every
// physical name in it.
type Stack string

// DefaultStack is the stack's name unless the operator chooses another.
const DefaultStack Stack = "stille"

// Suppressions is the table of suppression items and the canaries.
func (s Stack) Suppressions() string { return string(s) + "-suppressions" }

// Ledger is the table of ledger entries; its stream feeds propagate.
func (s Stack) Ledger() string { return string(s) + "-ledger" }

// Holds is the table of holds and the fences.
func (s Stack) Holds() string { return string(s) + "-holds" }

// Runs is the table of purge runs and the head of each class's certificate chain.
func (s Stack) Runs() string { return string(s) + "-runs" }

// Tools is the table of the marketing tools' API keys, hashed.
func (s Stack) Tools() string { return string(s) + "-tools" }

// Records is the table of one retention class.
func (s Stack) Records(class string) string { return string(s) + "-records-" + class }

// ClassOf returns the class whose table has this name or stream ARN, and
// whether it is a class table of this stack at all.
func (s Stack) ClassOf(tableOrARN string) (class string, ok bool) {
	name := tableOrARN
	if _, rest, found := strings.Cut(name, ":table/"); found {
		name, _, _ = strings.Cut(rest, "/")
	}
	return strings.CutPrefix(name, s.Records(""))
}

// Function is a function's physical name.
func (s Stack) Function(name string) string { return string(s) + "-" + name }

// LogGroups is the prefix of the functions' log groups.
func (s Stack) LogGroups() string { return "/aws/lambda/" + string(s) + "-" }

// Purge names both the state machine and the schedule of one class.
func (s Stack) Purge(class string) string { return string(s) + "-purge-" + class }

// Bus is the event bus that events go out on.
func (s Stack) Bus() string { return string(s) }

// ContactKeys is the secret that holds the contact key set.
func (s Stack) ContactKeys() string { return string(s) + "/contact-keys" }

// LinkKeys is the secret that holds the key sets of both kinds of links.
func (s Stack) LinkKeys() string { return string(s) + "/link-keys" }

// ProofKeys is the secret that holds the key set under which certificates
// list what was deleted.
func (s Stack) ProofKeys() string { return string(s) + "/proof-keys" }

// SigningKey is the alias of the KMS key that signs certificates.
func (s Stack) SigningKey() string { return "alias/" + string(s) + "-certificates" }

// FeedbackTopic and SMSReplyTopic are the SNS topics events come in on.
func (s Stack) FeedbackTopic() string { return string(s) + "-feedback" }

// SMSReplyTopic carries replies to the brands' own numbers.
func (s Stack) SMSReplyTopic() string { return string(s) + "-sms-reply" }

// Functions, one folder each under functions/.
const (
	UnsubscribeEmail = "unsubscribe-email"
	UnsubscribeSMS   = "unsubscribe-sms"
	Check            = "check"
	Mint             = "mint"
	Suppress         = "suppress"
	Record           = "record"
	Propagate        = "propagate"
	Stamp            = "stamp"
	PurgePlan        = "purge-plan"
	PurgeDelete      = "purge-delete"
	PurgeVerify      = "purge-verify"
	RotateKeys       = "rotate-keys"
)

// Routes of the two HTTP APIs.
const (
	RouteEmailLink    = "/e/{token}"
	RouteSMSLink      = "/s/{token}"
	RouteCheck        = "/v1/check"
	RouteLinks        = "/v1/links"
	RouteSuppressions = "/v1/suppressions"
	RouteRecords      = "/v1/records"
)

// Environment variables of the functions. The SDK reads its own (AWS_REGION,
// AWS_ENDPOINT_URL, ...).
const (
	VarStack          = "STILLE_STACK"     // Stack
	VarVersion        = "CODE_VERSION"     // what was deployed, for certificates
	VarLinkBase       = "LINK_BASE_URL"    // scheme and host of links; where unset, each brand's linkDomain
	VarEvidenceBucket = "EVIDENCE_BUCKET"  // certificates, under Object Lock
	VarManifestBucket = "MANIFEST_BUCKET"  // purge manifests, private, short-lived
	VarParkedQueue    = "PARKED_QUEUE_URL" // where propagate and stamp put a stream record they cannot take
	VarTaskRoot       = "LAMBDA_TASK_ROOT" // set by Lambda: where the zip was unpacked
)

// Files that travel in every function's zip.
const (
	RetentionFile = "retention.yaml"
	ScopesFile    = "scopes.yaml"
)

// Attributes of the suppressions, ledger, holds, runs and tools tables' keys.
const (
	AttrKey     = "key"     // suppressions, ledger: contact.Key
	AttrVersion = "version" // ledger sort key (N): the item's version after this entry
	AttrTarget  = "target"  // holds: what is held, or a fence
	AttrClass   = "class"   // runs: the class
	AttrRun     = "run"     // runs sort key: the execution's name
	AttrHash    = "hash"    // tools: SHA-256 of the API key, hex
)

// Attributes of a class table. AttrID is its partition key.
const (
	AttrID             = "id"
	AttrSubject        = "subject"
	AttrScope          = "scope"
	AttrBasis          = "basis"
	AttrOccurredAt     = "occurredAt"
	AttrRetentionStart = "retentionStart"
	AttrLastActivityAt = "lastActivityAt"
	AttrWithdrawnAt    = "withdrawnAt" // UTC, second precision, fixed width: it is a sort key
	AttrRetentionSort  = "retentionSort"
	AttrRetentionShard = "retentionShard"
	AttrObjects        = "objects"
	AttrData           = "data"
)

// Indexes of a class table, all KEYS_ONLY.
const (
	IndexDue       = "due"       // AttrRetentionShard, AttrRetentionSort
	IndexWithdrawn = "withdrawn" // AttrRetentionShard, AttrWithdrawnAt
	IndexSubject   = "subject"   // AttrSubject
)

// Source is the source of every event that goes out.
const Source = "stille"

// Detail types of events that go out.
const (
	ContactSuppressed = "ContactSuppressed"
	ContactReleased   = "ContactReleased"
	PurgeCompleted    = "PurgeCompleted"
	PurgeFailed       = "PurgeFailed"
)

// Completed is the outcome of a purge that did all it was to do; every other
// one fails the execution.
const Completed = "COMPLETED"

// Outputs of the CloudFormation stack, read after a deploy.
const (
	OutputLinks          = "Links"
	OutputAPI            = "Api"
	OutputEvidenceBucket = "EvidenceBucket"
	OutputManifestBucket = "ManifestBucket"
	OutputFeedbackTopic  = "FeedbackTopic"
	OutputSMSReplyTopic  = "SmsReplyTopic"
)

// OutputPurge is the output that holds the ARN of a class's state machine.
// CloudFormation takes letters and digits only.
func OutputPurge(class string) string {
	var b strings.Builder
	b.WriteString("Purge")
	for part := range strings.SplitSeq(class, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
