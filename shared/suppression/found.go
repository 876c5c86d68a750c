package suppression

import "errors"

// ErrUnreadable means that an item is stored and cannot be understood. The
// contact of the item must not be sent to.
var ErrUnreadable = errors.New("the stored item cannot be read")

// Found is what a suppression list says of one contact. Err wraps ErrUnreadable
// where an item of the contact cannot be understood: then nothing may be sent
// to the contact, and Item must not be relied on.
type Found struct {
	Item Item
	Err  error
}
