package environment

import (
	"regexp"
	"slices"

	"stille/shared/names"
	"stille/shared/strictyaml"
)

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
