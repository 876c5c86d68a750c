package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Settings is everything that differs between the environments. No other file
// asks which environment it builds for.
type Settings struct {
	// Architecture is what the binaries in dist are built for.
	Architecture awslambda.Architecture

	// RemovalPolicy says what happens to stored data, keys and logs that leave
	// the stack.
	RemovalPolicy awscdk.RemovalPolicy

	// DeletionProtection refuses every deletion of the stack and of its tables.
	DeletionProtection bool

	// Gateway is the address of the emulator, empty on AWS. The addresses of the
	// APIs are paths below it: not every resolver knows the host names under
	// localhost that the emulator would give them. Minted links lead there instead
	// of to the brand's linkDomain.
	Gateway string

	// SMS is the address that gets the SMS instead of AWS; empty on AWS.
	SMS string

	// LinksAPITags and ToolsAPITags are tags of the two HTTP APIs. The emulator
	// takes the id of an API, and so its address, from a tag.
	LinksAPITags, ToolsAPITags map[string]string
}

// settingsFor returns the settings of an environment by its name; gateway and sms
// are for the local environment only. Every other name is an error, also the empty
// name: nobody must deploy production by leaving something out.
func settingsFor(environment, gateway, sms string) (Settings, error) {
	switch environment {
	case "local":
		if gateway == "" {
			return Settings{}, errors.New("the emulator's address is needed: say -c gateway=http://127.0.0.1:4566")
		}
		return Settings{
			Architecture:  hostArchitecture(),
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
			Gateway:       gateway,
			SMS:           sms,
			LinksAPITags:  map[string]string{"ms-custom-id": "57111e01"},
			ToolsAPITags:  map[string]string{"ms-custom-id": "57111e02"},
		}, nil
	case "production":
		return Settings{
			Architecture:       awslambda.Architecture_ARM_64(),
			RemovalPolicy:      awscdk.RemovalPolicy_RETAIN,
			DeletionProtection: true,
		}, nil
	default:
		return Settings{}, fmt.Errorf("environment %q is not known: say -c environment=local or -c environment=production", environment)
	}
}

// address is the base URL of an API.
func (s Settings) address(api awsapigatewayv2.HttpApi) *string {
	if s.Gateway == "" {
		return api.ApiEndpoint()
	}
	return jsii.String(s.Gateway + "/_aws/execute-api/" + *api.ApiId())
}

// smsVariables tell the SDK the address of the SMS service, where it is not AWS's.
func (s Settings) smsVariables() map[string]*string {
	if s.SMS == "" {
		return nil
	}
	return map[string]*string{"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": jsii.String(s.SMS)}
}

// hostArchitecture is the architecture of this machine: the emulator runs the
// binaries directly.
func hostArchitecture() awslambda.Architecture {
	if runtime.GOARCH == "arm64" {
		return awslambda.Architecture_ARM_64()
	}
	return awslambda.Architecture_X86_64()
}
