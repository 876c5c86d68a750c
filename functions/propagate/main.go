// Command propagate carries changes of the suppression list on: as withdrawals
// onto records, and as events onto the bus. It reads the ledger's stream.
package main

import (
	"os"
	_ "time/tzdata" // the retention policy has zones

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/announce"
	"stille/shared/dynamo"
	"stille/shared/parked"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.Propagate, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{
			policy:  c.Policy(),
			list:    dynamo.NewSuppressions(db, c.Stack),
			records: dynamo.NewRecords(db, c.Stack),
			bus:     announce.NewBus(eventbridge.NewFromConfig(c.AWS), c.Stack),
			parked:  parked.NewQueue(sqs.NewFromConfig(c.AWS), c.Env.Required(schema.VarParkedQueue)),
			log:     c.Log,
		}
		return h.handle
	}))
}
