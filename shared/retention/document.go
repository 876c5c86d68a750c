package retention

import "stille/shared/contact"

// Document is a record with everything that its class table holds of it.
type Document struct {
	// Stored is the record as the system understands it. Where Err is set (it
	// wraps ErrUnreadable), only the attributes tell.
	Stored
	Err error
	// Attributes are all of the record's, as values that encoding/json writes.
	// Data in JSON is a json.RawMessage.
	Attributes map[string]any
	// About is the record's subject, also where the record cannot be read.
	About contact.Key
}
