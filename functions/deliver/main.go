// Command deliver tells webhooks of changes: it takes the queue of deliveries,
// makes the calls, and queues again what a receiver did not take.
package main

import (
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/sqsqueue"
	"stille/shared/aws/wiring"
	"stille/shared/feedback/hook"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.Function(names.Deliver, time.Now, func(d wiring.Deps) any {
		h := handler{
			webhooks: d.Webhooks(),
			keys:     d.Keys,
			first:    dynamo.NewReplies(d.DB, d.Stack).First,
			queue:    d.WebhookQueue().Put,
			dead:     sqsqueue.NewWebhooks(sqs.NewFromConfig(d.AWS), d.Env.Required(names.VarWebhookDead)).Put,
			post:     newClient(d.Env.Optional(names.VarWebhookLocal) != "").post,
			log:      d.Log, now: d.Now, jitter: rand.Float64,
			resting: &resting{until: map[string]time.Time{}}, noted: &hook.Sightings{Store: dynamo.NewReplies(d.DB, d.Stack).NoteCall},
		}
		return h.handle
	}))
}
