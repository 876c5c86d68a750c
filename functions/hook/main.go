// Command hook takes the opt-outs that other systems report by their webhooks:
// POST /in/{provider}/{scope}.
package main

import (
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/hooks"
	"stille/shared/aws/sqsqueue"
	"stille/shared/aws/wiring"
	"stille/shared/feedback/hook"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.Function(names.Hook, time.Now, func(d wiring.Deps) any {
		h := handler{
			hooks: hooks.NewCached(hooks.NewStore(secretsmanager.NewFromConfig(d.AWS), d.Stack.Stack), d.Now).Registry,
			apply: d.Store().Apply,
			first: dynamo.NewReplies(d.DB, d.Stack).First,
			park:  sqsqueue.New(sqs.NewFromConfig(d.AWS), d.Env.Required(names.VarParkedQueue)).Send,
			log:   d.Log, now: d.Now, noted: &hook.Sightings{Store: dynamo.NewReplies(d.DB, d.Stack).NoteCall},
		}
		return gateway.Recovered(d.Log, h.serve, func() gateway.Response { return answer(http.StatusInternalServerError) })
	}))
}
