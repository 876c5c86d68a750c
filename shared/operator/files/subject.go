package files

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"stille/shared/operator"
)

// WriteReceipt writes the answer to a person's request into a file with a name of
// its own, and notes the file in the answer's receipt. No later receipt replaces it.
func WriteReceipt(folder string, answer any, r *operator.Receipt) error {
	name := fmt.Sprintf("subject-%s-%s-%s-receipt.json", r.Keys[0], r.Asked, r.At.Format("20060102T150405.000Z"))
	content, err := json.MarshalIndent(answer, "", "  ")
	if err == nil {
		err = Write(filepath.Join(folder, name), content)
	}
	if err != nil {
		return fmt.Errorf("the request is met, but its receipt is not written; type the command again: %w", err)
	}
	r.File = filepath.Join(folder, name)
	return nil
}

// WriteExport writes all that is stored about a contact, and the receipt beside it.
func WriteExport(folder string, export *operator.SubjectExport, content []byte) error {
	name := filepath.Join(folder, "subject-"+export.Keys[0])
	export.Files = []string{name + ".json", name + "-receipt.json"}
	receipt, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the receipt: %w", err)
	}
	for i, written := range [][]byte{content, receipt} {
		if err := Write(export.Files[i], written); err != nil {
			return err
		}
	}
	export.File = export.Files[1]
	return nil
}

// WriteDrill writes the certificate of a drill into a separate file,
// and notes the file in the certificate.
func WriteDrill(folder string, drilled *operator.Drilled) error {
	name := filepath.Join(folder, fmt.Sprintf("drill-%s-%s-%s.json", drilled.Drill, drilled.Class, drilled.StartedAt.Format("20060102T150405.000Z")))
	content, err := json.MarshalIndent(drilled, "", "  ")
	if err == nil {
		err = Write(name, content)
	}
	if err != nil {
		return fmt.Errorf("the drill is over, and its certificate is not written: %w", err)
	}
	drilled.File = name
	return nil
}
