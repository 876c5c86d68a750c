package files

import (
	"math"
	"path/filepath"

	"stille/shared/operator"
)

// ReadKept reads the rows of a file: contacts, or records. A file without a row is a
// mistake.
func ReadKept(name, region string) ([]operator.Kept, error) {
	list, err := OpenList(name, EveryEnd)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	rows, err := list.Rows(0, math.MaxInt)
	if err == nil {
		err = list.Only(operator.HoldColumns())
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, operator.Mistakef("it lists nothing")
	}
	kept := make([]operator.Kept, len(rows))
	for i, row := range rows {
		kept[i] = operator.KeptOf(filepath.Base(name), row, func(column string) string { return list.Field(row, column) }, region)
	}
	return kept, nil
}
