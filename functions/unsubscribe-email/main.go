// Command unsubscribe-email answers the e-mail links: the public page behind
// them and the one-click opt-out. The answers are package unsubscribe's.
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
	os.Exit(start.Lambda(schema.UnsubscribeEmail, door.Of(contact.Email, time.Now)))
}
