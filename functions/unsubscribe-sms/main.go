// Command unsubscribe-sms answers the SMS links: the public page behind them.
// The answers are package unsubscribe's.
package main

import (
	"os"
	"time"

	"stille/shared/aws/door"
	"stille/shared/aws/lambdafn"
	"stille/shared/contact"
	"stille/shared/names"
)

func main() {
	os.Exit(lambdafn.Lambda(names.UnsubscribeSMS, door.Of(contact.SMS, time.Now)))
}
