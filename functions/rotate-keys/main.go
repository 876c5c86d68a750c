// Command rotate-keys is the custom resource behind the key ring. At the first
// deploy it makes the key sets of the three secrets and plants the contact
// keys' canaries. It promises that a key set, once there, is never replaced,
// and refuses to make contact keys for a table that other keys have filled:
// every lookup would miss, and a missed lookup sends.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/dynamo"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.RotateKeys, func(c *start.Container) any {
		h := &handler{
			secrets:      secretsmanager.NewFromConfig(c.AWS),
			suppressions: dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack),
			stack:        c.Stack,
		}
		return cfn.LambdaWrap(h.handle)
	}))
}
