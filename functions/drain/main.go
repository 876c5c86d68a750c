// Command drain carries out the opt-outs that waited in a queue while the store
// was down.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/dynamo"
	"stille/shared/keys"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.Drain, func(c *start.Container) any {
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		h := handler{
			keys: keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list: list,
			log:  c.Log,
			now:  time.Now,
		}
		return h.handle
	}))
}
