package main

import (
	"cmp"
	"maps"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// function holds what differs between the functions.
type function struct {
	name        string // its folder under functions/, unless program says otherwise
	id          string // of its construct, where that is not its name
	program     string // the folder of its program, where that is not its name
	memory      float64
	timeout     awscdk.Duration
	concurrency *float64 // reserved: no other function can take it
	variables   map[string]*string
	may         []awsiam.PolicyStatement
}

// memoryOfGo is the part of a function's memory that Go's heap may fill before Go
// collects garbage harder.
const memoryOfGo = 0.85

// function adds a function with its log group and its role. The role allows
// exactly what f.may says, and writing to the log group.
func (s stack) function(f function) awslambda.Function {
	logs := s.logGroup(f.name+"-logs", s.Prefix.LogGroups()+f.name)
	variables := map[string]*string{
		names.VarStack: jsii.String(string(s.Prefix)),
		"GOMEMLIMIT":   jsii.Sprintf("%.0fMiB", f.memory*memoryOfGo), // Go's runtime reads it
	}
	if len(s.Tables) > 0 {
		variables[names.VarRestored] = s.ToJsonString(s.Tables, nil)
	}
	maps.Copy(variables, f.variables)
	may := append([]awsiam.PolicyStatement{
		allow([]*string{logs.LogGroupArn()}, "logs:CreateLogStream", "logs:PutLogEvents"),
	}, f.may...)
	tracing := awslambda.Tracing_DISABLED
	if s.Tracing {
		tracing = awslambda.Tracing_ACTIVE
	}

	made := awslambda.NewFunction(s.Stack, jsii.String(cmp.Or(f.id, f.name)), &awslambda.FunctionProps{
		FunctionName:                 jsii.String(s.Prefix.Function(f.name)),
		Runtime:                      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:                 s.architecture(),
		Handler:                      jsii.String("bootstrap"),
		Code:                         awslambda.Code_FromAsset(jsii.String(filepath.Join(s.Dist, cmp.Or(f.program, f.name))), nil),
		MemorySize:                   jsii.Number(f.memory),
		Timeout:                      f.timeout,
		ReservedConcurrentExecutions: f.concurrency,
		Tracing:                      tracing,
		Environment:                  &variables,
		LogGroup:                     logs,
		Role:                         s.role(f.name+"-role", "lambda.amazonaws.com", may),
	})
	*s.functions = append(*s.functions, named{f.name, made})
	return made
}

// logGroup adds a log group to the data stack: who must say later what happened
// needs the logs of a stack that is gone.
func (s stack) logGroup(id, name string) awslogs.ILogGroup {
	group := awslogs.NewCfnLogGroup(s.data, jsii.String(id), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(name),
		RetentionInDays: jsii.Number(float64(s.LogDays)),
		KmsKeyId:        s.customer.id(),
	})
	group.ApplyRemovalPolicy(s.Settings.RemovalPolicy, nil)
	return awslogs.LogGroup_FromLogGroupName(s.Stack, jsii.String(id), jsii.String(name))
}

// role adds a role for a service. Its rights are fixed here: no construct of the
// CDK can add to them.
func (s stack) role(id, service string, may []awsiam.PolicyStatement) awsiam.IRole {
	if s.Tracing {
		// X-Ray knows no narrower resource.
		may = append(may, allow([]*string{jsii.String("*")}, "xray:PutTraceSegments", "xray:PutTelemetryRecords",
			"xray:GetSamplingRules", "xray:GetSamplingTargets"))
	}
	role := awsiam.NewRole(s.Stack, jsii.String(id), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String(service), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"may": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &may}),
		},
	})
	return role.WithoutPolicyUpdates(nil)
}

// allow is one statement of a role.
func allow(resources []*string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}
