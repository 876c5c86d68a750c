package environment

import (
	"regexp"
	"slices"
	"strings"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/strictyaml"
)

// Shape is what the system needs of a table. A restore brings back only the keys and
// the indexes.
type Shape struct {
	Key        []string // partition key and, where there is one, sort key
	Indexes    []string
	Stream     string // the images that its stream has; "" for no stream
	BackupDays int32  // for how long the table can be restored to any second
	Expires    string // the attribute with the time of an item's end; "" for none
}

// BackupDays are those of tables that no purge deletes from. The class tables and the
// table of their slots have retention.BackupDays instead: a deleted record must soon
// be gone from the backups, too.
const BackupDays = 35

// ShapeOf returns the shape of a table.
func ShapeOf(id string) Shape {
	if _, ok := names.ClassOfID(id); ok {
		return Shape{
			Key:        []string{names.AttrID},
			Indexes:    []string{names.IndexDue, names.IndexWithdrawn, names.IndexSubject, names.IndexRunning},
			Stream:     "NEW_AND_OLD_IMAGES", // the old image of a held record that is rewritten is evidence
			BackupDays: retention.BackupDays,
		}
	}
	return map[string]Shape{
		names.TableSuppressions: {Key: []string{names.AttrKey}, BackupDays: BackupDays},
		names.TableLedger:       {Key: []string{names.AttrKey, names.AttrVersion}, Stream: "NEW_IMAGE", BackupDays: BackupDays},
		names.TableHolds:        {Key: []string{names.AttrTarget}, BackupDays: BackupDays},
		names.TableHoldHistory:  {Key: []string{names.AttrCase, names.AttrEntry}, BackupDays: BackupDays},
		names.TableRuns:         {Key: []string{names.AttrClass, names.AttrRun}, BackupDays: BackupDays},
		names.TableTools:        {Key: []string{names.AttrHash}, BackupDays: BackupDays},
		names.TableReplies:      {Key: []string{names.AttrID}, BackupDays: BackupDays, Expires: names.AttrExpires},
		names.TableSlots:        {Key: []string{names.AttrSlot}, Indexes: []string{names.IndexRecord}, BackupDays: retention.BackupDays},
	}[id]
}

// tableName is DynamoDB's form of a table's name.
var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// readTables reads the names of tables that were restored, by the tables' ids.
func readTables(f *strictyaml.Fields, prefix names.Stack) map[string]string {
	if !f.Has("tables") {
		return nil
	}
	restored := map[string]string{}
	all := f.Mapping("tables")
	for _, id := range all.Names() {
		name := all.Text(id)
		class, isClass := names.ClassOfID(id)
		switch {
		case !slices.Contains(names.TableIDs(), id) && (!isClass || class == ""):
			all.Wrong(id, "is no table: say %s, or %s", strings.Join(names.TableIDs(), ", "), names.RecordsID("CLASS"))
		case name == "": // noted
		case !tableName.MatchString(name) || prefix != "" && !strings.HasPrefix(name, prefix.Table("")):
			all.Wrong(id, "must be the name of a table that begins with %s", prefix.Table(""))
		default:
			for other, taken := range restored {
				if taken == name {
					all.Wrong(id, "%s is the table of %s", name, other)
				}
			}
			restored[id] = name
		}
	}
	return restored
}

// wrongTables returns what is wrong with the restored tables of an environment under
// a policy: a class that the policy lacks, and the name of another table.
func (e Environment) wrongTables(data []byte, policy *retention.Policy) strictyaml.Mistakes {
	var classes []string
	for _, class := range policy.Classes {
		classes = append(classes, class.Name)
	}
	known := names.TableIDs(classes...)
	var wrong strictyaml.Mistakes
	for _, value := range strictyaml.Values(data) {
		if len(value.Path) != 4 || value.Path[1] != e.Name || value.Path[2] != "tables" {
			continue
		}
		id := value.Path[3]
		note := func(what string) {
			wrong = append(wrong, strictyaml.Mistake{Line: value.Line, What: id + ": " + what})
		}
		if !slices.Contains(known, id) {
			note("no class has this table")
		}
		for _, other := range known {
			if other != id && e.Prefix.Table(other) == value.Text {
				note(value.Text + " is the table of " + other)
			}
		}
	}
	return wrong
}
