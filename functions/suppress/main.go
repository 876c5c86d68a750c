// Command suppress adds contacts to the suppression list: POST /v1/suppressions.
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
	os.Exit(lambdafn.Lambda(names.Suppress, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		list := dynamo.NewSuppressions(db, c.Stack)
		h := handler{keys: keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now), list: list, scopes: c.Scopes(), now: time.Now}
		return api.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.call())
	}))
}
