// Command sms-reply takes in what people write back to the brands' own numbers:
// STOP opts out of marketing by SMS, START lifts that, HELP asks who writes.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/dynamo"
	"stille/shared/inbox"
	"stille/shared/keys"
	"stille/shared/schema"
	"stille/shared/start"
	"stille/shared/texting"
)

func main() {
	os.Exit(start.Lambda(schema.SMSReply, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		list := dynamo.NewSuppressions(db, c.Stack)
		languages, err := texting.Load()
		c.Env.Wrong("the texts", err)
		h := handler{
			keys:      keys.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list:      list,
			replies:   dynamo.NewReplies(db, c.Stack),
			phone:     texting.NewSender(pinpointsmsvoicev2.NewFromConfig(c.AWS)),
			languages: languages,
			scopes:    c.Scopes(),
			log:       c.Log,
			now:       time.Now,
		}
		return inbox.Each(c.Log, h.take)
	}))
}
