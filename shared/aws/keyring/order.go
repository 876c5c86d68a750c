package keyring

import "time"

// The sets that an order may name.
const (
	ContactSet = "contact"
	LinkSet    = "link"
	ProofSet   = "proof"
)

// Order is what the function rotate-keys is asked to do: one of its fields.
type Order struct {
	Rotate  string   `json:"rotate,omitempty"` // LinkSet or ContactSet
	Destroy *Destroy `json:"destroy,omitempty"`
	List    bool     `json:"list,omitempty"`
	Brief   bool     `json:"brief,omitempty"` // of a list: without Uses, which cost the reading of whole tables
	Config  bool     `json:"config,omitempty"`
}

// Config is the answer to an order for the configuration: the text of the files
// that the function carries, as does every other function of the deployment.
type Config struct {
	Retention string `json:"retention"`
	Scopes    string `json:"scopes"`
}

// Destroy names a key that is to go.
type Destroy struct {
	Set string `json:"set"`
	ID  string `json:"id"` // 8 hexadecimal digits
}

// What an order to rotate or destroy did.
const (
	Added     = "added"     // a contact key that waits to become the primary one
	Promoted  = "promoted"  // a contact key, to the primary one
	Rotated   = "rotated"   // the link keys: two new primary keys
	Destroyed = "destroyed" // a contact key
)

// Answer is what came of an order to rotate or destroy: Done, or Refused.
type Answer struct {
	Done    string    `json:"done,omitempty"`
	ID      string    `json:"id,omitempty"`     // the key's; of the two new link keys, the e-mail one's
	SMSID   string    `json:"smsId,omitempty"`  // the new SMS link key's
	Letter  string    `json:"letter,omitempty"` // what its tokens begin with
	Next    string    `json:"next,omitempty"`   // the command to come
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
	Next string    `json:"next,omitempty"` // the command that is due, or will be
	From time.Time `json:"from,omitzero"`  // when it will be
}

// Listed is one key of a listing.
type Listed struct {
	Key
	AgeDays int   `json:"ageDays"`
	Uses    *Uses `json:"uses,omitempty"` // of a contact key, unless it was to be brief
}

// Uses counts what names a contact by one contact key.
type Uses struct {
	Suppressions int            `json:"suppressions"` // that were not merged into a newer key's
	Holds        int            `json:"holds"`
	Records      map[string]int `json:"records"` // by class
}

// Any reports whether anything uses the key.
func (u Uses) Any() bool { return u.Suppressions+u.Holds+u.AllRecords() > 0 }

// AllRecords is how many records of all classes use the key.
func (u Uses) AllRecords() int {
	all := 0
	for _, n := range u.Records {
		all += n
	}
	return all
}

// ListProof lists a proof secret that was stored at a time. An error wraps
// ErrUnreadable.
func ListProof(secret string, stored time.Time) ([]Key, error) {
	if _, err := ParseProof(secret); err != nil {
		return nil, err
	}
	c, err := newChanging([]byte(secret), nil, stored)
	if err != nil {
		return nil, err
	}
	return c.keys(), nil
}
