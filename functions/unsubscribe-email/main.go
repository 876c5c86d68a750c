// Command unsubscribe-email answers the e-mail links: the public page behind
// them and the one-click opt-out. The answers are package unsubscribe's.
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
	os.Exit(wiring.Links(names.UnsubscribeEmail, time.Now, contact.Email))
}
