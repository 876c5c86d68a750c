// Command feedback takes in bounces and complaints from SES: an address that
// does not exist, and a person who calls a message spam, get no more of it.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/dynamo"
	"stille/shared/inbox"
	"stille/shared/keys"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.Feedback, func(c *start.Container) any {
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		h := handler{
			keys:   keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list:   list,
			scopes: c.Scopes(),
			log:    c.Log,
			now:    time.Now,
		}
		return inbox.Each(c.Log, h.take)
	}))
}
