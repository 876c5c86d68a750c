package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script, which asks this program.
func (c completion) Run(s *session) error {
	script := map[string]string{
		"bash": `_stille() { local IFS=$'\n'; COMPREPLY=($(stille complete -- "${COMP_WORDS[@]:1:COMP_CWORD}")); }
complete -o default -F _stille stille`,
		"zsh": `_stille() { local -a found; found=("${(@f)$(stille complete -- "${(@)words[2,CURRENT]}")}"); [[ -n $found ]] && compadd -a found || _files; }
compdef _stille stille`,
		"fish": `complete -c stille -a '(stille complete -- (commandline -opc)[2..] (commandline -ct))'`,
	}[c.Shell]
	_, err := fmt.Fprintln(s.stdout, script)
	return err
}

type complete struct {
	Words words `arg:"" optional:""`
}

// Run prints what the last word may become, one a line.
func (c complete) Run(s *session, on *kong.Context) error {
	if len(c.Words) == 0 {
		return nil
	}
	before, last := c.Words[:len(c.Words)-1], c.Words[len(c.Words)-1]
	for _, word := range candidates(on.Model.Node, before, last) {
		if _, err := fmt.Fprintln(s.stdout, word); err != nil {
			return err
		}
	}
	return nil
}

// candidates are what a word may be behind other words: a command, a flag, or a
// value where there are few.
func candidates(at *kong.Node, before []string, last string) (words []string) {
	arguments, previous := 0, ""
	for _, word := range before {
		n := slices.IndexFunc(at.Children, func(child *kong.Node) bool { return child.Name == word })
		switch {
		case n >= 0:
			at, arguments = at.Children[n], 0
		case !strings.HasPrefix(word, "-") && !strings.HasPrefix(previous, "--"):
			arguments++
		}
		previous = word
	}
	for _, group := range at.AllFlags(true) {
		for _, flag := range group {
			switch {
			case previous == "--"+flag.Name && !flag.IsBool():
				return matching(flag.EnumSlice(), last)
			case last != "":
				words = append(words, "--"+flag.Name)
			}
		}
	}
	for _, child := range at.Children {
		if !child.Hidden {
			words = append(words, child.Name)
		}
	}
	if arguments < len(at.Positional) {
		words = append(words, at.Positional[arguments].EnumSlice()...)
	}
	return matching(words, last)
}

func matching(words []string, start string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return word == "" || !strings.HasPrefix(word, start) })
}
