package keyring

import "time"

// The sets that an order may name.
const (
	ContactSet = "contact"
	LinkSet    = "link"
	ProofSet   = "proof"
)

// Order is an order to the function rotate-keys, or list-keys: one of Rotate, Destroy, List and
// Config.
type Order struct {
	Rotate  string   `json:"rotate,omitempty"` // LinkSet or ContactSet
	Destroy *Destroy `json:"destroy,omitempty"`
	List    bool     `json:"list,omitempty"`
	Config  bool     `json:"config,omitempty"`
}

// Config is the answer to an order for the configuration: the text of the files
// that the function carries, as does every other function of the deployment.
type Config struct {
	Retention string `json:"retention"`
	Scopes    string `json:"scopes"`
}

// Destroy names a key to destroy.
type Destroy struct {
	Set string `json:"set"`
	ID  string `json:"id"` // 8 hexadecimal digits
}

// What an order to rotate or destroy has done.
const (
	Added     = "added"     // a pending contact key
	Promoted  = "promoted"  // a contact key, to the primary one
	Rotated   = "rotated"   // the link keys: two new primary keys
	Destroyed = "destroyed" // a contact key
)

// Answer is the answer to an order to rotate or destroy: Done or Refused.
type Answer struct {
	Done    string    `json:"done,omitempty"`
	ID      string    `json:"id,omitempty"`     // the key's; of the two new link keys, the e-mail one's
	SMSID   string    `json:"smsId,omitempty"`  // the new SMS link key's
	Letter  string    `json:"letter,omitempty"` // the first letter of its tokens
	Next    string    `json:"next,omitempty"`   // the next command
	From    time.Time `json:"from,omitzero"`    // not before
	Refused string    `json:"refused,omitempty"`
}

// Listing is the answer to an order to list.
type Listing struct {
	Sets []Set `json:"sets"`
}

// Set is one key set of a listing.
type Set struct {
	Name string    `json:"set"` // contact, link-email, link-sms or proof
	Keys []Listed  `json:"keys"`
	Next string    `json:"next,omitempty"` // the command that is due, or will be from From on
	From time.Time `json:"from,omitzero"`  // zero if the command is due now
}

// Listed is one key of a listing.
type Listed struct {
	Key
	AgeDays int `json:"ageDays"`
}

// ListProof lists a proof secret and takes the time when it was stored. An error
// wraps ErrUnreadable.
func ListProof(secret string, stored time.Time) ([]Key, error) {
	if _, err := ParseProof(secret); err != nil {
		return nil, err
	}
	c, err := newChanging([]byte(secret), nil, stored)
	if err != nil {
		return nil, err
	}
	return c.Keys(), nil
}
