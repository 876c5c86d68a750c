// Package names names the parts of the system: tables, indexes,
// attributes, functions, routes, secrets and environment variables. The CDK
// app creates these names and the code reads them, so each name is written once.
// It holds names only, imports nothing of ours and decides nothing.
//
// Every physical name starts with the stack's name, so that two stacks live in
// one account; only buckets get generated names and travel as variables.
package names

import "strings"

// Stack is the name of a deployed stack ("stille"), the prefix of every
// physical name in it.
type Stack string

// DefaultStack is the stack's name unless the operator chooses another.
const DefaultStack Stack = "stille"

// Messaging is the class of what a person gave to get marketing. An opt-out
// withdraws the records of this class.
const Messaging = "messaging"

// Data is the name of the stack that stores: tables, secrets, keys, buckets and
// logs. The stack with the plain name has everything else.
func (s Stack) Data() string { return string(s) + "-data" }

// Parameter is the SSM parameter by which the data stack tells the other stack
// something that CloudFormation named.
func (s Stack) Parameter(id string) string { return "/" + string(s) + "/" + id }

// Function is a function's physical name.
func (s Stack) Function(name string) string { return string(s) + "-" + name }

// LogGroups is the prefix of the functions' log groups.
func (s Stack) LogGroups() string { return "/aws/lambda/" + string(s) + "-" }

// AccessLogs is the log group of an API's requests.
func (s Stack) AccessLogs(api string) string { return "/aws/apigateway/" + string(s) + "-" + api }

// MachineLogs is the log group of every state machine. AWS lets a service write below
// /aws/vendedlogs without a policy of each group.
func (s Stack) MachineLogs() string { return "/aws/vendedlogs/states/" + string(s) }

// Purge names both the state machine and the schedule of one class.
func (s Stack) Purge(class string) string { return string(s) + "-purge-" + class }

// Audit names both the state machine and the schedule of one class's audit.
func (s Stack) Audit(class string) string { return string(s) + "-audit-" + class }

// Backups is the vault of the tables' nightly backups.
func (s Stack) Backups() string { return string(s) + "-backups" }

// Bus is the event bus that events go out on.
func (s Stack) Bus() string { return string(s) }

// ContactKeys is the secret that holds the contact key set.
func (s Stack) ContactKeys() string { return string(s) + "/contact-keys" }

// LinkKeys is the secret that holds the key sets of both kinds of links.
func (s Stack) LinkKeys() string { return string(s) + "/link-keys" }

// ProofKeys is the secret that holds the key set under which certificates
// list what was deleted.
func (s Stack) ProofKeys() string { return string(s) + "/proof-keys" }

// Hooks is the secret that holds the hooks and what proves their calls.
func (s Stack) Hooks() string { return string(s) + "/hooks" }

// Webhooks is the secret that holds the webhooks and what signs their deliveries.
func (s Stack) Webhooks() string { return string(s) + "/webhooks" }

// SigningKey is the alias of the KMS key that signs certificates.
func (s Stack) SigningKey() string { return "alias/" + string(s) + "-certificates" }

// ConfigurationSet is the SES configuration set to send with: its bounces and
// complaints come in.
func (s Stack) ConfigurationSet() string { return string(s) }

// AlarmTopic is the SNS topic that every alarm goes to.
func (s Stack) AlarmTopic() string { return string(s) + "-alarms" }

// FeedbackTopic and SMSReplyTopic are the SNS topics events come in on.
func (s Stack) FeedbackTopic() string { return string(s) + "-feedback" }

// SMSReplyTopic carries replies to the brands' own numbers.
func (s Stack) SMSReplyTopic() string { return string(s) + "-sms-reply" }

// Functions, one folder each under functions/.
const (
	UnsubscribeEmail = "unsubscribe-email"
	UnsubscribeSMS   = "unsubscribe-sms"
	Drain            = "drain"
	Check            = "check"
	Mint             = "mint"
	Suppress         = "suppress"
	Release          = "release"
	Record           = "store-records"
	End              = "end-records"
	Feedback         = "feedback"
	Hook             = "hook"
	SMSReply         = "sms-reply"
	Propagate        = "propagate"
	Deliver          = "deliver"
	Stamp            = "stamp"
	PurgePlan        = "purge-plan"
	PurgeDelete      = "purge-delete"
	PurgeVerify      = "purge-verify"
	PurgeAudit       = "purge-audit"
	RotateKeys       = "rotate-keys"
	ListKeys         = "list-keys" // the program of RotateKeys, under a role that can change nothing
)

// Routes of the two HTTP APIs.
const (
	RouteEmailLink    = "/e/{token+}"
	RouteSMSLink      = "/s/{token+}"
	RouteCheck        = "/v1/check"
	RouteLinks        = "/v1/links"
	RouteSuppressions = "/v1/suppressions"
	RouteRelease      = "/v1/suppressions/release"
	RouteRecords      = "/v1/records"
	RouteRecordsEnded = "/v1/records/ended"
	RouteHook         = "/in/{provider}/{scope+}"
)

// HookRoutes is what a setting calls the routes of other systems' reports.
const HookRoutes = "/in"

// ToolRoutes are the routes of the tools' API.
func ToolRoutes() []string {
	return []string{RouteCheck, RouteLinks, RouteSuppressions, RouteRelease, RouteRecords, RouteRecordsEnded}
}

// Environment variables of the functions. The SDK reads its own (AWS_REGION,
// AWS_ENDPOINT_URL, ...).
const (
	VarStack          = "STILLE_STACK"      // Stack
	VarVersion        = "CODE_VERSION"      // what was deployed, for certificates
	VarRestored       = "RESTORED_TABLES"   // JSON of Deployed.Restored; where unset, no table was restored
	VarLinkBase       = "LINK_BASE_URL"     // scheme and host of links; where unset, each brand's linkDomain
	VarLinkDomains    = "LINK_DOMAINS"      // JSON, brand -> domain of its links; where a brand is missing, its linkDomain
	VarEvidenceBucket = "EVIDENCE_BUCKET"   // certificates, under Object Lock
	VarManifestBucket = "MANIFEST_BUCKET"   // purge manifests, private, short-lived
	VarParkedQueue    = "PARKED_QUEUE_URL"  // where propagate and stamp put a stream record they cannot take, and hook what it cannot read
	VarOutageQueue    = "OUTAGE_QUEUE_URL"  // where an opt-out waits that the store did not take
	VarOutageDead     = "OUTAGE_DEAD_URL"   // the dead-letter queue of that queue
	VarWebhookQueue   = "WEBHOOK_QUEUE_URL" // where changes wait to be delivered to webhooks
	VarWebhookDead    = "WEBHOOK_DEAD_URL"  // the dead-letter queue of that queue
	VarWebhookLocal   = "WEBHOOK_LOCAL"     // set on the local stack: a webhook may be http on the loopback address
	VarStorePatience  = "STORE_PATIENCE"    // how long a door waits for the store before an opt-out is queued; where unset, outage.Patience
	VarOnlyLists      = "ONLY_LISTS"        // set on list-keys: it changes nothing
	VarTaskRoot       = "LAMBDA_TASK_ROOT"  // set by Lambda: where the zip was unpacked
)

// Files of the deployer. The first two travel in every function's zip.
const (
	RetentionFile    = "retention.yaml"
	ScopesFile       = "scopes.yaml"
	EnvironmentsFile = "environments.yaml" // the environments to deploy to
)

// The folders of the manifests' bucket: the pages of purges, and what audits
// found so far. No role may write both.
const (
	ManifestPages = "purges/"
	AuditParts    = "audits/"
)

// Attributes of the suppressions, ledger, holds, hold-history, runs and tools tables' keys.
const (
	AttrKey         = "key"         // suppressions, ledger: contact.Key
	AttrVersion     = "version"     // ledger sort key (N): the item's version after this entry
	AttrMergedInto  = "mergedInto"  // suppressions: the newer contact.Key whose item has taken this one over
	AttrTarget      = "target"      // holds: what is held, or FencePrefix and a shard
	AttrCase        = "case"        // hold-history: the case
	AttrEntry       = "entry"       // hold-history sort key: the time of the event, and what tells two events of one time apart
	AttrClass       = "class"       // runs: the class
	AttrRun         = "run"         // runs sort key: the execution's name
	AttrHash        = "hash"        // tools: SHA-256 of the API key, hex
	AttrCalledAt    = "calledAt"    // replies: when a hook was last called, or a webhook (N, Unix seconds)
	AttrCallFailure = "callFailure" // replies: why a webhook's receiver did not take the call
	AttrExpires     = "expires"     // replies, whose key is AttrID: when DynamoDB may forget it (N, Unix seconds)
)

// Attributes of the slots table. AttrClass is there too: the class of a record that
// owns an object.
const (
	AttrSlot   = "slot"   // partition key: a hash of class, contact and scope, or of an object
	AttrRecord = "record" // the id of the record that has the slot
)

// Attributes of a class table. AttrID is its partition key.
const (
	AttrID             = "id"
	AttrSubject        = "subject"
	AttrFormerSubjects = "formerSubjects" // of the subject, under keys that were older when the record was stored
	AttrScope          = "scope"
	AttrBasis          = "basis"
	AttrOccurredAt     = "occurredAt"
	AttrRetentionStart = "retentionStart"
	AttrFirstAt        = "firstOccurredAt" // occurredAt of the contact's first version of the record
	AttrStartAsOf      = "startAsOf"       // the time of the word on the record's end that the start is from
	AttrLastActivityAt = "lastActivityAt"
	AttrWithdrawnAt    = "withdrawnAt" // UTC, second precision, fixed width: it is a sort key
	AttrRetentionSort  = "retentionSort"
	AttrRetentionShard = "retentionShard"
	AttrActiveSort     = "activeSort" // of a running record: when something last happened with it, as it sorts
	AttrObjects        = "objects"
	AttrClaimed        = "claimed"   // the objects that the record owns, also those that a later version no longer names
	AttrPurgingBy      = "purgingBy" // the run that deletes the record's objects, then the record
	AttrPurging        = "purging"   // the versions of those objects that may be deleted since the mark
	AttrPurged         = "purged"    // how many versions are deleted since the marks before
	AttrData           = "data"
)

// Indexes of a class table, all KEYS_ONLY.
const (
	IndexDue       = "due"       // AttrRetentionShard, AttrRetentionSort
	IndexWithdrawn = "withdrawn" // AttrRetentionShard, AttrWithdrawnAt
	IndexSubject   = "subject"   // AttrSubject
	IndexRunning   = "running"   // AttrRetentionShard, AttrActiveSort; no purge looks into it
)

// IndexRecord is the index of the slots table by AttrRecord, KEYS_ONLY.
const IndexRecord = "record"

// Tags of a queue: its stack, what the operator calls it, and whether it is a
// dead-letter queue. CloudFormation generates the queue's physical name.
const (
	TagStack      = "stille:stack"
	TagQueue      = "stille:queue"
	TagDeadLetter = "stille:dead-letter" // "true" or "false"
)

// What the operator calls queues. A queue has a dead-letter queue beside it.
const (
	QueueOutage       = "waiting" // the opt-outs that the store did not take
	QueueOutageDead   = "waiting-dead"
	QueueHookDead     = "hook-dead" // what other systems report and nobody can read
	QueueWebhooks     = "webhooks"  // what is to be delivered to webhooks
	QueueWebhooksDead = "webhooks-dead"
)

// Source is the source of every event that goes out.
const Source = "stille"

// Detail types of events that go out.
const (
	ContactSuppressed = "ContactSuppressed"
	ContactReleased   = "ContactReleased"
	PurgeCompleted    = "PurgeCompleted"
	PurgeHalted       = "PurgeHalted"
	PurgeStopped      = "PurgeStopped"
	PurgeFailed       = "PurgeFailed"
	RecordsIdle       = "RecordsIdle"
	AuditCompleted    = "AuditCompleted"
	AuditFailed       = "AuditFailed"
)

// Metrics of ours, and their dimensions.
const (
	// MetricStack is the dimension of every metric, and a member of every log line: two
	// stacks of an account must not ring each other's alarms.
	MetricStack = "stackName"

	// By AttrClass.
	MetricOverdue     = "OverdueRecords"       // records that are due for over 26 hours, there, and kept by no hold
	MetricHeld        = "HeldRecords"          // records that would be overdue if no hold kept them
	MetricDeleted     = "DeletedRecords"       // records that a purge deleted
	MetricRewritten   = "HeldRecordsRewritten" // held records that another service changed or deleted in their table
	MetricAuditFaults = "AuditFaults"          // what an audit found that the system should have done itself

	MetricOptOuts = "OptOuts" // silences that began, by MetricFrom
	MetricFrom    = "from"    // a channel and a source

	// In milliseconds, by MetricChannel.
	MetricClickToEnforced  = "ClickToEnforced"  // from the arrival of a click on a link until the click was stored
	MetricClickToDelivered = "ClickToDelivered" // from a click to the answer of a webhook's receiver that took it
	MetricChannel          = "channel"

	MetricUnmatched = "UnmatchedReplies" // SMS replies that led to nothing, by the scope of the number
)

// Outputs of the CloudFormation stack, read after a deploy.
const (
	OutputLinks          = "Links"
	OutputAPI            = "Api"
	OutputEvidenceBucket = "EvidenceBucket"
	OutputManifestBucket = "ManifestBucket"
	OutputFeedbackTopic  = "FeedbackTopic"
	OutputSMSReplyTopic  = "SmsReplyTopic"
	OutputLook           = "PolicyLook"    // the ARN of the IAM policy for people who look
	OutputOperate        = "PolicyOperate" // besides, for people who change
	OutputApprove        = "PolicyApprove" // besides, for people who approve halted purges
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

// OutputRecord is the output that holds the DNS record of a domain, for who keeps
// the domain's zone.
func OutputRecord(domain string) string {
	return "Record" + strings.NewReplacer(".", "Dot", "-", "Dash").Replace(domain)
}

// Beginnings of keys.
const (
	ApprovalPrefix = "approval#" // of the partition of a class's approvals in the table of runs
	DomainPrefix   = "domain/"   // of a note about a link domain in the table of replies
	FencePrefix    = "fence#"    // of a fence in the table of holds
)
