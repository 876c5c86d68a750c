package environment

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/strictyaml"
)

// Files are what a folder says about an environment, its classes and its scopes.
type Files struct {
	Environment Environment // zero for the local stack, which no file describes
	Policy      *retention.Policy
	Scopes      *scope.Registry   // with the link domains of the environment
	Content     map[string][]byte // by the file's name
}

// Read reads the files of a folder for one environment. Without a name it takes the
// first environment that is not in production. Its error names every mistake with
// its file, as below the folder shown, and its line.
func Read(folder, shown, name string) (Files, error) {
	return readFiles(folder, shown, name, Files.placeholders)
}

// ReadDraft reads like Read, and takes placeholders: what it returns may be looked
// at, and must not be deployed.
func ReadDraft(folder, shown, name string) (Files, error) {
	return readFiles(folder, shown, name, func(Files, string) strictyaml.Mistakes { return nil })
}

func readFiles(folder, shown, name string, unfinished func(f Files, file string) strictyaml.Mistakes) (Files, error) {
	f := Files{Content: map[string][]byte{}}
	all := []string{names.RetentionFile, names.ScopesFile}
	if name != Local {
		all = append(all, names.EnvironmentsFile)
	}
	for _, file := range all {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return f, fmt.Errorf("reading %s: %w", path.Join(shown, file), err)
		}
		f.Content[file] = content
	}
	var wrong []error
	note := func(file string, err error) {
		var mistakes strictyaml.Mistakes
		if errors.As(err, &mistakes) {
			err = mistakes.In(path.Join(shown, file))
		}
		wrong = append(wrong, err)
	}
	var err error
	f.Policy, err = retention.LoadPolicy(f.Content[names.RetentionFile])
	note(names.RetentionFile, err)
	f.Scopes, err = scope.Load(f.Content[names.ScopesFile])
	note(names.ScopesFile, err)
	if name == Local {
		return f, errors.Join(wrong...)
	}
	environments, err := Load(f.Content[names.EnvironmentsFile])
	if err != nil {
		note(names.EnvironmentsFile, err)
		return f, errors.Join(wrong...)
	}
	if f.Environment, err = find(environments, name); err != nil {
		note(names.EnvironmentsFile, fmt.Errorf("%s: %w", path.Join(shown, names.EnvironmentsFile), err))
		return f, errors.Join(wrong...)
	}
	var mistakes strictyaml.Mistakes
	if f.Policy != nil {
		mistakes = f.Environment.wrongTables(f.Content[names.EnvironmentsFile], f.Policy)
	}
	if f.Scopes != nil {
		f.Scopes = f.Scopes.At(f.Environment.LinkDomains())
		mistakes = append(mistakes, f.Environment.wrongDomains(f.Content[names.EnvironmentsFile], f.Scopes)...)
	}
	note(names.EnvironmentsFile, mistakes)
	note(names.RetentionFile, f.misfits())
	for _, file := range all {
		note(file, unfinished(f, file))
	}
	return f, errors.Join(wrong...)
}

// misfits returns why AWS would refuse the names of classes in the environment.
func (f Files) misfits() strictyaml.Mistakes {
	var wrong strictyaml.Mistakes
	for _, value := range strictyaml.Values(f.Content[names.RetentionFile]) {
		if !slices.Equal(value.Path, []string{"classes", "class"}) {
			continue
		}
		if err := f.Environment.FitsClass(value.Text); err != nil {
			wrong = append(wrong, strictyaml.Mistake{Line: value.Line, What: err.Error()})
		}
	}
	return wrong
}

// find finds an environment by its name. Without a name it is the first that is not
// in production.
func find(all []Environment, name string) (Environment, error) {
	i := slices.IndexFunc(all, func(e Environment) bool {
		return e.Name == name || name == "" && !e.Production
	})
	if i >= 0 {
		return all[i], nil
	}
	var known []string
	for _, e := range all {
		known = append(known, "ENV="+e.Name)
	}
	if name == "" {
		return Environment{}, fmt.Errorf("every environment is in production: say %s", strings.Join(known, " or "))
	}
	return Environment{}, fmt.Errorf("there is no environment %q: say %s", name, strings.Join(known, " or "))
}

// placeholders returns what nobody has filled in, which production refuses: in
// environments.yaml, what is in the stanza of the environment.
func (f Files) placeholders(file string) strictyaml.Mistakes {
	if !f.Environment.Production {
		return nil
	}
	var found strictyaml.Mistakes
	for _, value := range strictyaml.Values(f.Content[file]) {
		if file == names.EnvironmentsFile && (len(value.Path) < 2 || value.Path[1] != f.Environment.Name) {
			continue
		}
		field := value.Path[len(value.Path)-1]
		if why := placeholder(field, value.Text); why != "" {
			found = append(found, strictyaml.Mistake{Line: value.Line, What: field + ": " + why})
		}
	}
	return found
}

var (
	// The hosts and domains that RFC 2606 and RFC 6761 reserve.
	sampleHost = regexp.MustCompile(`(?i)(^|[@./\s])example\.(com|org|net|edu)\b|\.(example|test|invalid|localhost)([/:,;)\s]|$)|\blocalhost\b`)
	// "for example" stands in real sentences.
	ordinary   = regexp.MustCompile(`(?i)\b(for|as an|by way of) examples?\b`)
	sampleWord = regexp.MustCompile(`(?i)\bexamples?\b|\bplaceholder\b|\bchange[ -]?me\b|\blorem ipsum\b|\byour (name|company|brand|domain|policy)\b`)
	// A sentence is quoted from a privacy policy, which may say these words.
	sampleSentence = regexp.MustCompile(`(?i)^[^\pL\pN]*((an|the) )?example\b|\bexample (sentence|text)\b|\bplaceholder\b|\blorem ipsum\b`)
	unsigned       = regexp.MustCompile(`(?i)^[^\pL\pN]*(unsigned|nobody|no one|none|name|todo|tbd|fixme|n/?a|pending|unknown|x+)?[^\pL\pN]*$|\bunsigned\b|\bto be (signed|decided|confirmed|done)\b|\bnot (yet )?signed\b|^<.*>$`)
	unfinished     = regexp.MustCompile(`\b(TODO|TBD|FIXME|XXX)\b|<[^<>@]+>`)
)

// sampleAccounts are the accounts of AWS's own documentation.
func sampleAccounts() []string {
	return []string{"111122223333", "444455556666", "777788889999", "123456789012"}
}

// placeholder returns why a value is a placeholder, or "".
func placeholder(field, text string) string {
	switch {
	case slices.Contains(sampleAccounts(), text):
		return "is an account of AWS's documentation: write your own"
	case field == "backupAcknowledged" && unsigned.MatchString(text):
		return "nobody has signed this: write who accepts it, and when"
	case sampleHost.MatchString(text):
		return "is a host that nobody has: write your own"
	case field == "sentence" && !sampleSentence.MatchString(text):
		if unfinished.MatchString(text) {
			return "is not finished: write the sentence of your policy"
		}
	case sampleWord.MatchString(ordinary.ReplaceAllString(text, "")), unfinished.MatchString(text):
		return "is a placeholder: write your own"
	}
	return ""
}
