// Command unsubscribe-sms answers the SMS links: the public page behind them.
// The answers are package unsubscribe's.
package main

import (
	"os"
	"time"

	"stille/shared/contact"
	"stille/shared/door"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.UnsubscribeSMS, door.Of(contact.SMS, time.Now)))
}
