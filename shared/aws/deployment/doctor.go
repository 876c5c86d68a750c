package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarms "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	keys "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"stille/shared/aws/dynamo"
	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/scope"
)

// Doctor examines one stack and its account.
type Doctor struct {
	Stack          names.Deployed
	Region         string
	Local          bool // the emulator has no phone numbers and does not tell of alarms
	CloudFormation *cloudformation.Client
	CloudWatch     cloudwatch.DescribeAlarmsAPIClient
	Tables         *dynamo.Tables
	KMS            *kms.Client
	Lambda         *lambda.Client
	Phones         *pinpointsmsvoicev2.Client
	SES            *sesv2.Client
	SNS            *sns.Client
	Domains        LinkDomains
	API            func(ctx context.Context) (string, error)          // the address of the tools' API
	Scopes         func(ctx context.Context) (*scope.Registry, error) // of the deployed stack
}

// Examinations are what can be wrong, in the order in which a deploy needs it.
func (d Doctor) Examinations() []operator.Examination {
	return []operator.Examination{
		{About: "CDK bootstrap", Look: d.bootstrap},
		{About: "Lambda limit", Look: d.limit},
		{About: "streams and queues", Look: d.mappings},
		{About: "keys", Look: d.keys},
		{About: operator.AboutAlarms, Look: d.alarms},
		{About: "SES", Look: d.ses},
		{About: "phone numbers", Look: d.numbers},
		{About: "link domains", Look: d.domains},
		{About: "tools' API", Look: d.tools},
	}
}

// IsBootstrapped reports whether the stack of `cdk bootstrap` is there, by its default
// name.
func IsBootstrapped(ctx context.Context, client *cloudformation.Client) (bool, error) {
	_, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("CDKToolkit")})
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return false, nil
	}
	return err == nil, err
}

func (d Doctor) bootstrap(ctx context.Context) ([]operator.Complaint, error) {
	done, err := IsBootstrapped(ctx, d.CloudFormation)
	if done || err != nil {
		return nil, err
	}
	return []operator.Complaint{{Wrong: "the CDK is not bootstrapped in " + d.Region, Next: "make bootstrap ENV=…"}}, nil
}

// unreserved is the concurrency that AWS keeps unreserved in every account.
const unreserved = 100

// limit looks whether the account's limit leaves room for the links' reserve.
func (d Doctor) limit(ctx context.Context) ([]operator.Complaint, error) {
	reserved := int32(0)
	for _, function := range []string{names.UnsubscribeEmail, names.UnsubscribeSMS} {
		found, err := d.Lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String(d.Stack.Function(function))})
		switch {
		case err != nil && isAbsent(err): // before the first deploy
			reserved += int32(environment.WithDefaults().LinksConcurrency) //nolint:gosec // it is small
		case err != nil:
			return nil, err
		default:
			reserved += aws.ToInt32(found.ReservedConcurrentExecutions)
		}
	}
	account, err := d.Lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || account.AccountLimit == nil || reserved == 0 || account.AccountLimit.ConcurrentExecutions >= reserved+unreserved {
		return nil, err
	}
	return []operator.Complaint{{
		Wrong: fmt.Sprintf("the account may run %d functions at once; the links' reserve needs %d", account.AccountLimit.ConcurrentExecutions, reserved+unreserved),
		Next:  "ask for more in Service Quotas, AWS Lambda, \"Concurrent executions\", or set `linksConcurrency: none` in infra/environments.yaml",
	}}, nil
}

// mappings looks at what feeds the functions: each mapping is on, and the stream
// that it reads is the stream that its table has now.
func (d Doctor) mappings(ctx context.Context) ([]operator.Complaint, error) {
	var found []operator.Complaint
	for _, function := range []string{names.Propagate, names.Stamp, names.Drain, names.Feedback, names.SMSReply, names.Deliver} {
		name := d.Stack.Function(function)
		pages := lambda.NewListEventSourceMappingsPaginator(d.Lambda, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
		count := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, m := range page.EventSourceMappings {
				count++
				complaint, err := d.mapping(ctx, function, m)
				if err != nil {
					return nil, err
				}
				found = append(found, complaint...)
			}
		}
		if count == 0 {
			found = append(found, operator.Complaint{Wrong: "nothing feeds the function " + function, Next: "make deploy ENV=…"})
		}
	}
	return found, nil
}

func (d Doctor) mapping(ctx context.Context, function string, m types.EventSourceMappingConfiguration) ([]operator.Complaint, error) {
	source := aws.ToString(m.EventSourceArn)
	if state := aws.ToString(m.State); state == "Disabled" || state == "Disabling" {
		return []operator.Complaint{{
			Wrong: fmt.Sprintf("the mapping from %s to %s is disabled", short(source), function),
			Next:  fmt.Sprintf("aws lambda update-event-source-mapping --enabled --uuid %s; afterwards `stille mend CLASS` or `stille replay` for what it missed", aws.ToString(m.UUID)),
		}}, nil
	}
	_, rest, isStream := strings.Cut(source, ":table/")
	if !isStream {
		return nil, nil
	}
	table, _, _ := strings.Cut(rest, "/")
	described, err := d.Tables.Describe(ctx, table)
	if err != nil || described.Stream == source {
		return nil, err
	}
	return []operator.Complaint{{
		Wrong: fmt.Sprintf("%s reads a stream of the table %s that no longer exists", function, table),
		Next:  "make deploy ENV=…, with the table's name in infra/environments.yaml; afterwards `stille mend CLASS`",
	}}, nil
}

// short is the part of an ARN behind the account.
func short(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	name, _, _ := strings.Cut(strings.TrimPrefix(parts[len(parts)-1], "table/"), "/stream/")
	return name
}

func isAbsent(err error) bool {
	var service interface{ ErrorCode() string }
	return errors.As(err, &service) && (service.ErrorCode() == "ResourceNotFoundException" || service.ErrorCode() == "NotFoundException")
}

// keys looks at the key that signs certificates and the key that encrypts records.
func (d Doctor) keys(ctx context.Context) ([]operator.Complaint, error) {
	ids := map[string]string{"signs certificates": d.Stack.SigningKey()}
	for does, name := range map[string]string{"encrypts records": d.Stack.Records(names.Messaging), "encrypts all else": d.Stack.Table(names.TableSuppressions)} {
		table, err := d.Tables.Describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if table.Key != "" {
			ids[does] = table.Key
		}
	}
	var found []operator.Complaint
	for _, does := range slices.Sorted(maps.Keys(ids)) {
		id := ids[does]
		key, err := d.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(id)})
		if err != nil {
			return nil, err
		}
		repair := "aws kms enable-key --key-id " + id
		switch key.KeyMetadata.KeyState {
		case keys.KeyStatePendingDeletion:
			repair = "aws kms cancel-key-deletion --key-id " + id + "; aws kms enable-key --key-id " + id
		case keys.KeyStateDisabled:
		default:
			continue
		}
		found = append(found, operator.Complaint{Wrong: fmt.Sprintf("the key that %s is %s", does, key.KeyMetadata.KeyState), Next: repair})
	}
	return found, nil
}

// alarms names every alarm that rings, and looks who hears them.
func (d Doctor) alarms(ctx context.Context) ([]operator.Complaint, error) {
	found, err := d.ringing(ctx)
	if err != nil {
		return nil, err
	}
	topics := sns.NewListTopicsPaginator(d.SNS, &sns.ListTopicsInput{})
	for topics.HasMorePages() {
		page, err := topics.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, topic := range page.Topics {
			if short(aws.ToString(topic.TopicArn)) != d.Stack.AlarmTopic() {
				continue
			}
			heard, err := d.isHeard(ctx, *topic.TopicArn)
			if err != nil || heard {
				return found, err
			}
		}
	}
	return append(found, operator.Complaint{
		Wrong: "nobody hears the alarms: the topic " + d.Stack.AlarmTopic() + " has no confirmed subscriber",
		Next:  "name addresses under `alarms` in infra/environments.yaml, make deploy ENV=…, and confirm the mail",
	}), nil
}

// ringing names the alarms that ring. The emulator does not tell.
func (d Doctor) ringing(ctx context.Context) ([]operator.Complaint, error) {
	if d.Local {
		return nil, nil
	}
	var found []operator.Complaint
	pages := cloudwatch.NewDescribeAlarmsPaginator(d.CloudWatch, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(string(d.Stack.Stack) + "-"), StateValue: alarms.StateValueAlarm,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			// The prefix of another stack may begin with this one's.
			if !slices.ContainsFunc(a.AlarmActions, func(action string) bool { return short(action) == d.Stack.AlarmTopic() }) {
				continue
			}
			found = append(found, operator.Complaint{
				Wrong: fmt.Sprintf("the alarm %s rings: %s", aws.ToString(a.AlarmName), aws.ToString(a.AlarmDescription)),
				Next:  "infra/RUNBOOK.md has a chapter for each alarm",
			})
		}
	}
	return found, nil
}

func (d Doctor) isHeard(ctx context.Context, topic string) (bool, error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(d.SNS, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, s := range page.Subscriptions {
			if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				return true, nil
			}
		}
	}
	return false, nil
}

func (d Doctor) ses(ctx context.Context) ([]operator.Complaint, error) {
	_, err := d.SES.GetConfigurationSet(ctx, &sesv2.GetConfigurationSetInput{ConfigurationSetName: aws.String(d.Stack.ConfigurationSet())})
	if err != nil && isAbsent(err) {
		return []operator.Complaint{{
			Wrong: fmt.Sprintf("SES in %s has no configuration set %s: bounces and complaints do not come in", d.Region, d.Stack.ConfigurationSet()),
			Next:  "deploy into the region that sends, or forward the feedback of SES there: infra/DEPLOY.md",
		}}, nil
	}
	return nil, err
}

func (d Doctor) numbers(ctx context.Context) ([]operator.Complaint, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil || d.Local {
		return nil, err
	}
	here := map[string]bool{}
	pages := pinpointsmsvoicev2.NewDescribePhoneNumbersPaginator(d.Phones, &pinpointsmsvoicev2.DescribePhoneNumbersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range page.PhoneNumbers {
			here[aws.ToString(n.PhoneNumber)] = true
		}
	}
	var found []operator.Complaint
	for _, brand := range brands(scopes) {
		for i, number := range brand.SMSNumbers {
			if !here[number] {
				found = append(found, operator.Complaint{
					Wrong: fmt.Sprintf("smsNumbers[%d] of %s is no number of this account in %s: a STOP to it is not heard", i, brand.Scope, d.Region),
					Next:  "deploy into the region of the numbers, or correct scopes.yaml",
				})
			}
		}
	}
	return found, nil
}

// brands are the scopes that are no topic.
func brands(scopes *scope.Registry) []scope.Entry {
	return slices.DeleteFunc(scopes.All(), func(e scope.Entry) bool { return e.Scope != e.Scope.Brand() })
}

// domains asks where links lead: each brand's link domain or, in a stack without
// domains, the links API.
func (d Doctor) domains(ctx context.Context) ([]operator.Complaint, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	mint, err := d.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(d.Stack.Function(names.Mint))})
	if err != nil {
		return nil, err
	}
	var variables map[string]string
	if mint.Environment != nil {
		variables = mint.Environment.Variables
	}
	if base := variables[names.VarLinkBase]; base != "" {
		return d.Domains.base(ctx, base), nil
	}
	var domains map[scope.Scope]string
	if other := variables[names.VarLinkDomains]; other != "" {
		if err := json.Unmarshal([]byte(other), &domains); err != nil {
			return nil, fmt.Errorf("reading the domains of links: %w", err)
		}
	}
	return d.Domains.Look(ctx, scopes.At(domains)), nil
}

// tools asks the tools' API for a check without a key, which it refuses.
func (d Doctor) tools(ctx context.Context) ([]operator.Complaint, error) {
	base, err := d.API(ctx)
	if err != nil {
		return nil, err
	}
	return d.Domains.tools(ctx, base), nil
}
