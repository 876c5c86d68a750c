// Command mint makes unsubscribe links: POST /v1/links.
package main

import (
	"context"
	"os"
	"time"

	"stille/shared/api"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/wiring"
	"stille/shared/link/domain"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Mint, time.Now, func(d wiring.Deps) api.Call {
		client := domain.Client()
		return handler{
			keys: d.Keys, scopes: d.Scopes(), base: d.Env.Optional(names.VarLinkBase),
			isAlive: (&domain.Guard{
				IsNoted: dynamo.NewReplies(d.DB, d.Stack).IsDead,
				Ask:     func(ctx context.Context, base string) error { return domain.Ask(ctx, client, base) },
				Now:     d.Now,
			}).Check,
		}.call()
	}))
}
