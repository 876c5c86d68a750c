// Command mint makes unsubscribe links: POST /v1/links.
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
	os.Exit(lambdafn.Lambda(names.Mint, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		ring := keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, dynamo.NewSuppressions(db, c.Stack), time.Now)
		h := handler{keys: ring, scopes: c.Scopes(), base: c.Env.Optional(names.VarLinkBase)}
		return api.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.call())
	}))
}
