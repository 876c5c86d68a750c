// Command end writes when records ended, or that they run again: POST /v1/records/ended.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.End, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		ring := keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, dynamo.NewSuppressions(db, c.Stack), time.Now)
		h := handler{keys: ring, records: dynamo.NewRecords(db, c.Stack), scopes: c.Scopes(), policy: c.Policy(), now: time.Now}
		return api.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.call())
	}))
}
