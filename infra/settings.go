package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
)

// Settings is what differs between the local stack and AWS, beside the environment.
// No other file asks which of the two it builds for.
type Settings struct {
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

// localSettings are those of the emulator. The binaries are this machine's: the
// emulator runs them directly.
func localSettings(gateway, sms string) Settings {
	return Settings{
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Gateway:       gateway,
		SMS:           sms,
		LinksAPITags:  map[string]string{"ms-custom-id": "57111e01"},
		ToolsAPITags:  map[string]string{"ms-custom-id": "57111e02"},
	}
}

// awsSettings are those of every environment on AWS.
func awsSettings() Settings {
	return Settings{RemovalPolicy: awscdk.RemovalPolicy_RETAIN, DeletionProtection: true}
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

// architecture is what the binaries in dist are built for.
func (c Config) architecture() awslambda.Architecture {
	if c.Architecture == "amd64" {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}

// areBuiltInto returns an error where a built function carries another policy than
// these files: its tables would not be the stack's.
func areBuiltInto(dist, shown string, files environment.Files) error {
	for _, name := range []string{names.RetentionFile, names.ScopesFile} {
		built, err := filepath.Glob(filepath.Join(dist, "*", name))
		if err != nil {
			return err
		}
		for _, file := range built {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if !bytes.Equal(content, files.Content[name]) {
				return fmt.Errorf("the functions in dist were built with another %s: build them again with POLICY=%s", filepath.Join(shown, name), shown)
			}
		}
	}
	return nil
}
