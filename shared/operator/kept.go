package operator

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"stille/shared/contact"
)

// Kept is a contact or a record that a command is to keep.
type Kept struct {
	Where     string // where it is written, for a mistake: "--contact", or a line of a file
	Person           // a contact
	Class, ID string // a record
	Err       error  // why it cannot be read
}

// HoldColumns are the columns that a file of holds may have.
func HoldColumns() []string { return []string{"channel", "address", "region", "class", "id"} }

// KeptOf reads a row of a file: channel and address, or class and id. text is the
// text of a column of the row.
func KeptOf(file string, row Row, text func(column string) string, region string) Kept {
	k := Kept{
		Where:  fmt.Sprintf("%s, line %d", file, row.Line),
		Person: Person{contact.Channel(text("channel")), text("address"), cmp.Or(text("region"), region)},
		Class:  text("class"), ID: text("id"), Err: row.Err,
	}
	onContact, onRecord := k.Channel != "" || k.Address != "", k.Class != "" || k.ID != ""
	if k.Err == nil && onContact == onRecord {
		k.Err = errors.New("must have channel and address, or class and id")
	}
	return k
}

// person is the contact that is to be kept.
func (k Kept) person() (Person, error) {
	channel, err := contact.ParseChannel(string(k.Channel))
	if err != nil {
		return Person{}, Mistakef("the channel must be email or sms")
	}
	k.Channel = channel
	return k.Person, nil
}

// PeopleOf returns the contacts of the rows of a file. Its error is a Mistake that
// names every row without a contact that can be read.
func PeopleOf(rows []Kept) ([]Person, error) {
	people := make([]Person, len(rows))
	var mistakes []string
	for i, k := range rows {
		err := k.Err
		if err == nil && (k.Class != "" || k.ID != "") {
			err = errors.New("must have channel and address alone")
		}
		if err == nil {
			people[i], err = k.person()
		}
		if err == nil {
			err = people[i].Check()
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Sprintf("%s: %v", k.Where, err))
		}
	}
	if len(mistakes) > 0 {
		return nil, Mistakef("nothing is done:\n%s", strings.Join(mistakes, "\n"))
	}
	return people, nil
}
