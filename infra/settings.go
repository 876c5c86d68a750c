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

	// RemovalPolicy is what becomes of stored data, keys and logs when they
	// leave the stack.
	RemovalPolicy awscdk.RemovalPolicy

	// DeletionProtection refuses to delete the stack and its tables at all.
	DeletionProtection bool

	// Gateway is where the emulator listens, empty on AWS. There the APIs have
	// their address below it, as a path: not every resolver knows the host
	// names under localhost that the emulator would give them. Minted links
	// then lead to that address, as no brand's linkDomain does.
	Gateway string

	// SMS is where the local stack sends SMS, in the place of AWS; empty for
	// AWS, and where nothing is there to send to.
	SMS string

	// LinksAPITags and ToolsAPITags are tags of the two HTTP APIs. The emulator
	// takes an API's id, and with it its address, from a tag.
	LinksAPITags, ToolsAPITags map[string]string
}

// settingsFor returns the settings of an environment by its name; gateway and
// sms are only for the local one. It fails on every other name, also the empty
// one: nobody deploys production by leaving something out.
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

// smsVariables are what a function that sends SMS needs: the SDK's own
// variable for the address of that service.
func (s Settings) smsVariables() map[string]*string {
	if s.SMS == "" {
		return nil
	}
	return map[string]*string{"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": jsii.String(s.SMS)}
}

// hostArchitecture is the architecture of this machine, because the emulator
// runs the binaries directly on it.
func hostArchitecture() awslambda.Architecture {
	if runtime.GOARCH == "arm64" {
		return awslambda.Architecture_ARM_64()
	}
	return awslambda.Architecture_X86_64()
}
