package files

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"stille/shared/operator"
)

// timed is the form of a time in the name of a file.
const timed = "20060102T150405.000Z"

// WriteReceipt writes the answer to a person's request into a separate file, and
// notes the file in the answer's receipt. No later receipt replaces the file.
func WriteReceipt(folder string, answer interface{ Own() *operator.Receipt }) (err error) {
	r := answer.Own()
	r.File, err = write(folder, fmt.Sprintf("subject-%s-%s-%s-receipt.json", r.Keys[0], r.Asked, r.At.Format(timed)), answer)
	if err != nil {
		return fmt.Errorf("the request is met, but its receipt is not written; type the command again: %w", err)
	}
	return nil
}

// write writes an answer into a file of a folder, and returns the file's path.
func write(folder, name string, answer any) (string, error) {
	content, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, name)
	if err := Write(path, content); err != nil {
		return "", err
	}
	return path, nil
}

// WriteExport writes all that is stored about a contact, and the receipt beside it.
func WriteExport(folder string, export *operator.SubjectExport, content []byte) (err error) {
	name := "subject-" + export.Keys[0]
	receipt := name + "-receipt.json"
	export.Files = []string{filepath.Join(folder, name+".json"), filepath.Join(folder, receipt)}
	if err := Write(export.Files[0], content); err != nil {
		return err
	}
	export.File, err = write(folder, receipt, export)
	return err
}

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
