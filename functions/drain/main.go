// Command drain carries out the opt-outs that waited in a queue while the store
// was down.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Drain, func(c *lambdafn.Container) any {
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		h := handler{
			keys: keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list: list,
			log:  c.Log,
			now:  time.Now,
		}
		return h.handle
	}))
}
