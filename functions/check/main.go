// Command check answers whether a message may be sent: POST /v1/check.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Check, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		list := dynamo.NewSuppressions(db, c.Stack)
		h := handler{keys: keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now), list: list, scopes: c.Scopes(), now: time.Now, log: c.Log}
		return api.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.call())
	}))
}
