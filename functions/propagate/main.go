// Command propagate carries changes of the suppression list to the records, as
// withdrawals, to webhooks, and to the bus, as events. It reads the ledger's stream.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy has zones

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/sqsqueue"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Propagate, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		queues := sqs.NewFromConfig(c.AWS)
		h := handler{
			withdrawer: purge.Withdrawer{Policy: c.Policy(), List: dynamo.NewSuppressions(db, c.Stack), Records: dynamo.NewRecords(db, c.Stack)},
			tell:       sqsqueue.NewWebhooks(queues, c.Env.Required(names.VarWebhookQueue)).Put,
			announce:   eventbus.NewBus(eventbridge.NewFromConfig(c.AWS), c.Stack.Stack).Put,
			park:       deadletter.NewQueue(queues, c.Env.Required(names.VarParkedQueue)).Park,
			log:        c.Log, now: time.Now,
		}
		return h.handle
	}))
}
