// Command check answers whether a message may be sent: POST /v1/check.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/access"
	"stille/shared/dynamo"
	"stille/shared/keys"
	"stille/shared/schema"
	"stille/shared/start"
	"stille/shared/toolapi"
)

func main() {
	os.Exit(start.Lambda(schema.Check, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		list := dynamo.NewSuppressions(db, c.Stack)
		h := handler{keys: keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now), list: list, scopes: c.Scopes(), now: time.Now, log: c.Log}
		return toolapi.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.check)
	}))
}
