// Package door is the wiring behind the links of one channel. The functions of
// both channels are the same but for their door, and this is what they share;
// what they answer is package unsubscribe's.
package door

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// Of builds the handler that answers one channel's links.
func Of(ch contact.Channel, now func() time.Time) func(*lambdafn.Container) any {
	return func(c *lambdafn.Container) any {
		written, err := pages.New()
		c.Env.Wrong("the pages' texts", err)
		list := dynamo.NewSuppressions(dynamo.NewClient(c.AWS), c.Stack)
		return unsubscribe.Handler{
			Channel: ch,
			Keys:    keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, now),
			List:    list,
			Waiting: outage.NewQueue(sqs.NewFromConfig(c.AWS), c.Env.Required(names.VarWaitingQueue)),
			Scopes:  c.Scopes(),
			Pages:   written,
			Log:     c.Log,
			Now:     now,
		}.Serve
	}
}
