// Command rotate-keys makes and changes the key sets. As the custom resource of
// the first deploy it makes the key sets of the three secrets and plants the
// contact keys' canaries. It never replaces a key set, and it refuses to make
// contact keys for a table that other keys have filled: every lookup would miss,
// and a missed lookup sends. By order of the schedule or the operator it adds
// keys, destroys contact keys that nothing uses, and lists the keys. It also tells the
// operator which policy and which scopes are deployed. As the function list-keys it lists
// and tells, and changes nothing. It never answers or logs a key.
package main

import (
	"context"
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/sqsqueue"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.RotateKeys, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		queues := sqs.NewFromConfig(c.AWS)
		h := handler{
			secrets:      secretsmanager.NewFromConfig(c.AWS),
			suppressions: dynamo.NewSuppressions(db, c.Stack),
			countHolds:   dynamo.NewHolds(db, c.Stack).CountSubjects,
			countRecords: dynamo.NewRecords(db, c.Stack).CountSubjects,
			queues: map[string]string{
				names.QueueOutage:     c.Env.Required(names.VarOutageQueue),
				names.QueueOutageDead: c.Env.Required(names.VarOutageDead),
			},
			depth:  func(ctx context.Context, url string) (int, error) { return sqsqueue.Depth(ctx, queues, url) },
			policy: c.Policy(),
			config: keyring.Config{Retention: string(c.Env.File(names.RetentionFile)), Scopes: string(c.Env.File(names.ScopesFile))},
			stack:  c.Stack.Stack,
			now:    time.Now,
			pause:  time.Second,
			fixed:  c.Env.Optional(names.VarOnlyLists) != "",
			log:    c.Log,
		}
		return h.serve
	}))
}
