// Command sms-reply takes the replies to the brands' numbers: STOP opts out of
// marketing by SMS, START lifts the opt-out, HELP asks for the sender.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/smsvoice"
	"stille/shared/aws/sqsbatch"
	"stille/shared/aws/wiring"
	"stille/shared/names"
	"stille/shared/sms"
)

func main() {
	os.Exit(wiring.Function(names.SMSReply, time.Now, func(d wiring.Deps) any {
		languages, err := sms.Load()
		d.Env.Wrong("the texts", err)
		h := handler{
			store:     d.Store(),
			get:       d.List.Get,
			replies:   dynamo.NewReplies(d.DB, d.Stack),
			send:      smsvoice.NewSender(pinpointsmsvoicev2.NewFromConfig(d.AWS)).Send,
			languages: languages,
			scopes:    d.Scopes(),
			log:       d.Log,
			now:       d.Now,
		}
		return sqsbatch.Each(d.Log, h.take)
	}))
}
