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

// function is what sets one function apart from the others.
type function struct {
	name        string // its folder under functions/
	id          string // of its construct, where that is not its name
	memory      float64
	timeout     awscdk.Duration
	concurrency *float64 // reserved for it, so that no other function takes it
	variables   map[string]*string
	may         []awsiam.PolicyStatement
}

// memoryOfGo is how much of a function's memory Go may fill before it collects
// harder; the rest is for the program itself.
const memoryOfGo = 0.85

// function adds a function with a log group and a role of its own. The role
// holds exactly what f.may says and the right to write to that log group.
func (s stack) function(f function) awslambda.Function {
	logs := awslogs.NewLogGroup(s.Stack, jsii.String(f.name+"-logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String(s.Name.LogGroups() + f.name),
		Retention:     awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: s.Settings.RemovalPolicy,
	})
	variables := map[string]*string{
		names.VarStack:   jsii.String(string(s.Name)),
		names.VarVersion: jsii.String(s.Version),
		"GOMEMLIMIT":     jsii.Sprintf("%.0fMiB", f.memory*memoryOfGo), // Go's runtime reads it
	}
	maps.Copy(variables, f.variables)
	may := append([]awsiam.PolicyStatement{
		allow([]*string{logs.LogGroupArn()}, "logs:CreateLogStream", "logs:PutLogEvents"),
	}, f.may...)

	return awslambda.NewFunction(s.Stack, jsii.String(cmp.Or(f.id, f.name)), &awslambda.FunctionProps{
		FunctionName:                 jsii.String(s.Name.Function(f.name)),
		Runtime:                      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:                 s.Settings.Architecture,
		Handler:                      jsii.String("bootstrap"),
		Code:                         awslambda.Code_FromAsset(jsii.String(filepath.Join(s.Dist, f.name)), nil),
		MemorySize:                   jsii.Number(f.memory),
		Timeout:                      f.timeout,
		ReservedConcurrentExecutions: f.concurrency,
		Environment:                  &variables,
		LogGroup:                     logs,
		Role:                         s.role(f.name+"-role", "lambda.amazonaws.com", may),
	})
}

// role is a role that a service takes on. What it may do is fixed here: the
// CDK's constructs cannot widen it behind our back.
func (s stack) role(id, service string, may []awsiam.PolicyStatement) awsiam.IRole {
	role := awsiam.NewRole(s.Stack, jsii.String(id), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String(service), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"may": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &may}),
		},
	})
	return role.WithoutPolicyUpdates(nil)
}

// allow is one line of a role.
func allow(resources []*string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}
