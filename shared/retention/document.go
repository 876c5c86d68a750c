package retention

import "stille/shared/contact"

// Document is a record with everything that its class table holds of it.
type Document struct {
	// Stored is the record as the system understands it. If Err is set (it
	// wraps ErrUnreadable), only Attributes can be used.
	Stored
	Err error
	// Attributes are all attributes of the record, as values that encoding/json
	// writes. Data in JSON is a json.RawMessage.
	Attributes map[string]any
	// About is the record's subject. It is set for an unreadable record too.
	About contact.Key
}
