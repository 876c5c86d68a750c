package keyword

import "strings"

// Plain is a text as it is after reading's first step.
func Plain(text string) string { return strings.Join(pieces(words(text)), " ") }
