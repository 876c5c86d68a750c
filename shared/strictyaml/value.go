package strictyaml

import "github.com/goccy/go-yaml/ast"

// Value is one text or number of a file.
type Value struct {
	Line int
	Path []string // the fields that lead to the value
	Text string
}

// Values returns every text and number of a file that Parse can read, in the order
// of the file.
func Values(data []byte) []Value {
	file, err := parse(data)
	if err != nil {
		return nil
	}
	var found []Value
	var walk func(node ast.Node, path []string)
	walk = func(node ast.Node, path []string) {
		switch n := node.(type) {
		case *ast.MappingNode:
			for _, entry := range n.Values {
				walk(entry.Value, append(path[:len(path):len(path)], entry.Key.GetToken().Value))
			}
		case *ast.SequenceNode:
			for _, value := range n.Values {
				walk(value, path)
			}
		case *ast.IntegerNode:
			found = append(found, Value{lineOf(n), path, n.GetToken().Value})
		default:
			if text, ok := plainText(node); ok {
				found = append(found, Value{lineOf(node), path, text})
			}
		}
	}
	for _, doc := range file.Docs {
		walk(doc.Body, nil)
	}
	return found
}
