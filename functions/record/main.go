// Command record stores the records that purges delete on their day: POST /v1/records.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/access"
	"stille/shared/dynamo"
	"stille/shared/keys"
	"stille/shared/schema"
	"stille/shared/start"
	"stille/shared/toolapi"
)

func main() {
	os.Exit(start.Lambda(schema.Record, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		ring := keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, dynamo.NewSuppressions(db, c.Stack), time.Now)
		h := handler{keys: ring, records: dynamo.NewRecords(db, c.Stack), scopes: c.Scopes(), policy: c.Policy(), now: time.Now}
		return toolapi.Serve(access.NewGuard(dynamo.NewTools(db, c.Stack), time.Now), c.Log, h.record)
	}))
}
