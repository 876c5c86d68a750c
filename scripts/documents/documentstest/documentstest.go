// Package documentstest reads the project's documents for the tests that hold them
// to the project: their links, and the commands that they show.
package documentstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Document is a Markdown file.
type Document struct {
	Path string // from the repository's folder
	Text string
}

// All returns every Markdown file that git tracks below root.
func All(root string) ([]Document, error) {
	listed := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
	paths, err := listed.Output()
	if err != nil {
		return nil, err
	}
	var all []Document
	for _, path := range strings.Fields(string(paths)) {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, err
		}
		all = append(all, Document{Path: path, Text: string(text)})
	}
	return all, nil
}

// fences finds the fenced blocks of a text: the label, then the lines.
func fences(text string) [][]string {
	return regexp.MustCompile("(?ms)^```([a-z ]*)\n(.*?)^```$").FindAllStringSubmatch(text, -1)
}

// Blocks returns the fenced blocks with a label, such as "sh local".
func (d Document) Blocks(label string) []string {
	var blocks []string
	for _, found := range fences(d.Text) {
		if found[1] == label {
			blocks = append(blocks, found[2])
		}
	}
	return blocks
}

// Links returns the targets of the document's links and pictures.
func (d Document) Links() []string {
	var links []string
	for _, found := range regexp.MustCompile(`\]\(([^)\s]+)\)|src="([^"]+)"`).FindAllStringSubmatch(d.Text, -1) {
		links = append(links, found[1]+found[2])
	}
	return links
}

// Commands returns the lines of all fenced blocks that call stille, without
// their comments.
func (d Document) Commands() []string {
	call := regexp.MustCompile(`(?m)^(?:\s*\$ )?(stille [a-z][^#\n]*?)\s*(?:#.*)?$`)
	var commands []string
	for _, block := range fences(d.Text) {
		for _, found := range call.FindAllStringSubmatch(block[2], -1) {
			commands = append(commands, found[1])
		}
	}
	return commands
}
