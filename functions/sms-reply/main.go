// Command sms-reply takes the replies to the brands' numbers: STOP opts out of
// marketing by SMS, START lifts the opt-out, HELP asks for the sender.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/smsvoice"
	"stille/shared/aws/sqsbatch"
	"stille/shared/names"
	"stille/shared/sms"
)

func main() {
	os.Exit(lambdafn.Lambda(names.SMSReply, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		list := dynamo.NewSuppressions(db, c.Stack)
		languages, err := sms.Load()
		c.Env.Wrong("the texts", err)
		h := handler{
			keys:      keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, list, time.Now),
			list:      list,
			replies:   dynamo.NewReplies(db, c.Stack),
			phone:     smsvoice.NewSender(pinpointsmsvoicev2.NewFromConfig(c.AWS)),
			languages: languages,
			scopes:    c.Scopes(),
			log:       c.Log,
			now:       time.Now,
		}
		return sqsbatch.Each(c.Log, h.take)
	}))
}
