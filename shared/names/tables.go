package names

import (
	"cmp"
	"strings"
)

// Tables names the tables of a stack: Stack as a first deploy makes them, Deployed
// as they are after a restore.
type Tables interface {
	// Table is the name of the table with an id.
	Table(id string) string
	// Records is the name of the table of a retention class.
	Records(class string) string
	// ClassOf returns the class whose table has this name or stream ARN, and
	// whether it is a class table of the stack at all.
	ClassOf(tableOrARN string) (class string, ok bool)
}

// The ids of the tables, by which a setting names them. RecordsID returns that of a
// class's.
const (
	TableSuppressions = "suppressions" // suppression items, and the canaries
	TableLedger       = "ledger"       // entries of the ledger; its stream feeds propagate
	TableHolds        = "holds"        // holds and fences
	TableHoldHistory  = "hold-history" // the append-only history of the holds
	TableRuns         = "runs"         // purge runs, and the head of each class's certificate chain
	TableTools        = "tools"        // the marketing tools' API keys, hashed
	TableReplies      = "replies"      // the SMS replies that were taken already, so that none counts twice
	TableSlots        = "slots"        // the one record that each contact may have in a scope

	records = "records-"
)

// RecordsID is the id of a class's table.
func RecordsID(class string) string { return records + class }

// ClassOfID returns the class of a table's id, and whether the table is a class's.
func ClassOfID(id string) (class string, ok bool) { return strings.CutPrefix(id, records) }

// TableIDs are the ids of every table, those of the classes last.
func TableIDs(classes ...string) []string {
	ids := []string{TableSuppressions, TableLedger, TableHolds, TableHoldHistory, TableRuns, TableTools, TableReplies, TableSlots}
	for _, class := range classes {
		ids = append(ids, RecordsID(class))
	}
	return ids
}

// Table is of Tables.
func (s Stack) Table(id string) string { return string(s) + "-" + id }

// Records is of Tables.
func (s Stack) Records(class string) string { return s.Table(RecordsID(class)) }

// ClassOf is of Tables.
func (s Stack) ClassOf(tableOrARN string) (class string, ok bool) {
	return strings.CutPrefix(tableOf(tableOrARN), s.Records(""))
}

// tableOf is the name of a table that is given by its name or by its stream's ARN.
func tableOf(tableOrARN string) string {
	name := tableOrARN
	if _, rest, found := strings.Cut(name, ":table/"); found {
		name, _, _ = strings.Cut(rest, "/")
	}
	return name
}

// Deployed is a stack as it is deployed. DynamoDB restores a table under another name
// only.
type Deployed struct {
	Stack
	Restored map[string]string // the name of a restored table, by its id
}

// Table is of Tables.
func (d Deployed) Table(id string) string { return cmp.Or(d.Restored[id], d.Stack.Table(id)) }

// Records is of Tables.
func (d Deployed) Records(class string) string { return d.Table(RecordsID(class)) }

// ClassOf is of Tables. A change of the table before the restore, which arrives
// during the deploy, is a change of the class, too.
func (d Deployed) ClassOf(tableOrARN string) (class string, ok bool) {
	name := tableOf(tableOrARN)
	for id, under := range d.Restored {
		if class, ok := ClassOfID(id); ok && under == name {
			return class, true
		}
	}
	return d.Stack.ClassOf(tableOrARN)
}
