package documents_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stille/scripts/documents/documentstest"
)

const root = "../.."

func all(t *testing.T) []documentstest.Document {
	t.Helper()
	found, err := documentstest.All(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 8 {
		t.Fatalf("there are %d documents", len(found))
	}
	return found
}

// anchor is how a heading is named in a link.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^#+ (.+)$`)
	for _, d := range all(t) {
		for _, target := range d.Links() {
			if strings.Contains(target, "://") {
				continue
			}
			path, wanted, anchored := strings.Cut(target, "#")
			file := filepath.Join(root, filepath.Dir(d.Path), path)
			if path == "" {
				file = filepath.Join(root, d.Path)
			}
			text, err := os.ReadFile(file)
			if info, gone := os.Stat(file); gone == nil && info.IsDir() {
				err = nil
			}
			if err != nil {
				t.Errorf("%s: no %s", d.Path, target)
				continue
			}
			found := !anchored
			for _, heading := range headings.FindAllStringSubmatch(string(text), -1) {
				found = found || anchor(heading[1]) == wanted
			}
			if !found {
				t.Errorf("%s: no heading for %s", d.Path, target)
			}
		}
	}
}

func TestEveryMakeTargetExists(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all(t) {
		for _, named := range regexp.MustCompile("(?:`|\\n|\\$ )make ([a-z-]+)").FindAllStringSubmatch(d.Text, -1) {
			if !strings.Contains(string(makefile), "\n"+named[1]+":") {
				t.Errorf("%s: there is no target %q", d.Path, named[1])
			}
		}
	}
}

func TestReadmeIsReadInThreeMinutes(t *testing.T) {
	for _, d := range all(t) {
		if lines := strings.Count(d.Text, "\n"); d.Path == "README.md" && lines > 150 {
			t.Errorf("README.md has %d lines, want at most 150", lines)
		}
	}
}
