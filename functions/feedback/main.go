// Command feedback takes in bounces and complaints from SES: an address that
// does not exist, and a person who calls a message spam, get no more of it.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/sqsbatch"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Feedback, func(c *lambdafn.Container) any {
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		h := handler{
			keys:   keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list:   list,
			scopes: c.Scopes(),
			log:    c.Log,
			now:    time.Now,
		}
		return sqsbatch.Each(c.Log, h.take)
	}))
}
