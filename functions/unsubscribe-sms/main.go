// Command unsubscribe-sms answers the SMS links: the public page behind them.
// The answers are package unsubscribe's.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the pages name days in the zone of the policy

	"stille/shared/aws/wiring"
	"stille/shared/contact"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.Links(names.UnsubscribeSMS, time.Now, contact.SMS))
}
