// Command propagate carries changes of the suppression list to the records, as
// withdrawals, and to the bus, as events. It reads the ledger's stream.
package main

import (
	"os"
	_ "time/tzdata" // the retention policy has zones

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Propagate, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{
			withdrawer: purge.Withdrawer{Policy: c.Policy(), List: dynamo.NewSuppressions(db, c.Stack), Records: dynamo.NewRecords(db, c.Stack)},
			bus:        eventbus.NewBus(eventbridge.NewFromConfig(c.AWS), c.Stack.Stack),
			parked:     deadletter.NewQueue(sqs.NewFromConfig(c.AWS), c.Env.Required(names.VarParkedQueue)),
			log:        c.Log,
		}
		return h.handle
	}))
}
