// Command mint makes unsubscribe links: POST /v1/links.
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
	os.Exit(start.Lambda(schema.Mint, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		ring := keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, dynamo.NewSuppressions(db, c.Stack), time.Now)
		h := handler{keys: ring, scopes: c.Scopes(), base: c.Env.Optional(schema.VarLinkBase)}
		return toolapi.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.mint)
	}))
}
