package names

import (
	"cmp"
	"strings"
)

// Tables names the tables of a stack: Stack as a first deploy makes them, Deployed
// as they are after a restore.
type Tables interface {
	// Suppressions is the table of suppression items and the canaries.
	Suppressions() string
	// Ledger is the table of ledger entries; its stream feeds propagate.
	Ledger() string
	// Holds is the table of holds and the fences.
	Holds() string
	// HoldHistory is the append-only history of the holds.
	HoldHistory() string
	// Runs is the table of purge runs and the head of each class's certificate chain.
	Runs() string
	// Tools is the table of the marketing tools' API keys, hashed.
	Tools() string
	// Replies is the table of the SMS replies that were taken already, so that
	// none counts twice.
	Replies() string
	// Slots is the table of the one record that each contact may have in a scope.
	Slots() string
	// Records is the table of one retention class.
	Records(class string) string
	// ClassOf returns the class whose table has this name or stream ARN, and
	// whether it is a class table of the stack at all.
	ClassOf(tableOrARN string) (class string, ok bool)
}

// The ids of the tables, by which a setting names them. RecordsID returns that of a
// class's.
const (
	TableSuppressions = "suppressions"
	TableLedger       = "ledger"
	TableHolds        = "holds"
	TableHoldHistory  = "hold-history"
	TableRuns         = "runs"
	TableTools        = "tools"
	TableReplies      = "replies"
	TableSlots        = "slots"

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

// Table is the name with which the stack makes a table.
func (s Stack) Table(id string) string { return string(s) + "-" + id }

// Suppressions is of Tables.
func (s Stack) Suppressions() string { return s.Table(TableSuppressions) }

// Ledger is of Tables.
func (s Stack) Ledger() string { return s.Table(TableLedger) }

// Holds is of Tables.
func (s Stack) Holds() string { return s.Table(TableHolds) }

// HoldHistory is of Tables.
func (s Stack) HoldHistory() string { return s.Table(TableHoldHistory) }

// Runs is of Tables.
func (s Stack) Runs() string { return s.Table(TableRuns) }

// Tools is of Tables.
func (s Stack) Tools() string { return s.Table(TableTools) }

// Replies is of Tables.
func (s Stack) Replies() string { return s.Table(TableReplies) }

// Slots is of Tables.
func (s Stack) Slots() string { return s.Table(TableSlots) }

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

// Table is the name of a table.
func (d Deployed) Table(id string) string { return cmp.Or(d.Restored[id], d.Stack.Table(id)) }

// Suppressions is of Tables.
func (d Deployed) Suppressions() string { return d.Table(TableSuppressions) }

// Ledger is of Tables.
func (d Deployed) Ledger() string { return d.Table(TableLedger) }

// Holds is of Tables.
func (d Deployed) Holds() string { return d.Table(TableHolds) }

// HoldHistory is of Tables.
func (d Deployed) HoldHistory() string { return d.Table(TableHoldHistory) }

// Runs is of Tables.
func (d Deployed) Runs() string { return d.Table(TableRuns) }

// Tools is of Tables.
func (d Deployed) Tools() string { return d.Table(TableTools) }

// Replies is of Tables.
func (d Deployed) Replies() string { return d.Table(TableReplies) }

// Slots is of Tables.
func (d Deployed) Slots() string { return d.Table(TableSlots) }

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
