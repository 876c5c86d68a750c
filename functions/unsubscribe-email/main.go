// Command unsubscribe-email answers the e-mail links: the public page behind them and
// the one-click opt-out.
// The answers are package unsubscribe's.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/contact"
	"stille/shared/dynamo"
	"stille/shared/keys"
	"stille/shared/pages"
	"stille/shared/schema"
	"stille/shared/start"
	"stille/shared/unsubscribe"
)

func main() {
	os.Exit(start.Lambda(schema.UnsubscribeEmail, func(c *start.Container) any {
		written, err := pages.New()
		c.Env.Wrong("the pages' texts", err)
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		return unsubscribe.Handler{
			Channel: contact.Email,
			Keys:    keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list),
			List:    list,
			Scopes:  c.Scopes(),
			Pages:   written,
			Log:     c.Log,
			Now:     time.Now,
		}.Serve
	}))
}
