// Command unsubscribe-email answers the e-mail links: the public page behind
// them and the one-click opt-out. The answers are package unsubscribe's.
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
	os.Exit(lambdafn.Lambda(names.UnsubscribeEmail, door.Of(contact.Email, time.Now)))
}
