package retention_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
)

// An editor checks retention.yaml by this schema, which lies beside the file.
const schemaFile = "../../infra/retention.schema.json"

// inEditor checks a file against the schema.
func inEditor(t *testing.T, data string) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var content any
	if err := yaml.Unmarshal([]byte(data), &content); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(content)
}

func TestSchemaAcceptsTheSamplePolicy(t *testing.T) {
	if err := inEditor(t, string(retentiontest.File())); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefusesInvalidPeriods(t *testing.T) {
	refused := append(readVectors[string](t, "refused-periods.json"), "P+6M", "P 6M", "PM", "P1_0M", "P101Y", "P1201M", "P36501D", "P6W", "XP6M")
	for _, field := range []string{"keep", "promise", "idle"} {
		for _, period := range refused {
			if inEditor(t, file(map[string]string{field: field + `: "` + period + `"`})) == nil {
				t.Errorf("%s: %q is taken", field, period)
			}
		}
		for _, period := range []string{"P1D", "P9999D", "P36500D", "P1M", "P999M", "P1200M", "P1Y", "P99Y", "P100Y"} {
			if err := inEditor(t, file(map[string]string{field: field + ": " + period})); err != nil {
				t.Errorf("%s: %q is refused: %v", field, period, err)
			}
		}
	}
}

func TestSchemaAndParserAgree(t *testing.T) {
	for name, line := range map[string]string{
		"class: Invoices":                                         "class",
		"schedule: cron(29 3 * * ? *)":                            "schedule",
		"schedule: cron(30 3 * * ? *)":                            "",
		"schedule: cron(0 4 * * ? *)":                             "",
		"schedule: cron(59 23 * * ? *)":                           "",
		"schedule: cron(60 4 * * ? *)":                            "schedule",
		"schedule: cron(0 24 * * ? *)":                            "schedule",
		"schedule: rate(1 day)":                                   "schedule",
		`owner: ""`:                                               "owner",
		"owner: 17":                                               "owner",
		"idle: P30D\n    buckets: [a-b.c3]":                       "",
		"idle: P30D\n    buckets: []":                             "buckets",
		"idle: P30D\n    buckets: [A_B]":                          "buckets",
		"idle: P30D\n    buckets: [abc, abc]":                     "buckets",
		"idle: P30D\n    purge: never":                            "purge",
		"idle: P30D\n    buckets: [abc]\n    bucketPrefix: scope": "",
		"idle: P30D\n    buckets: [abc]\n    bucketPrefix: brand": "bucketPrefix",
		"idle: P30D\n    retired: true":                           "",
		"idle: P30D\n    retired: yes":                            "retired",
		"idle: P30D\n    minimum: P6M":                            "minimum",
		"idle: P30D\n    keptBy: law":                             "keptBy",
		"minimum: P6M\n    keptBy: law":                           "",
	} {
		field, _, _ := strings.Cut(name, ":")
		data := file(map[string]string{field: name})
		_, parsed := retention.LoadPolicy([]byte(data))
		if edited := inEditor(t, data); (edited != nil) != (line != "") || (parsed != nil) != (line != "") {
			t.Errorf("%s: the editor says %v, the parser %v", name, edited, parsed)
		}
	}
}

func TestSchemaHasTheParsersFields(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	class := schema.Properties["classes"].Items2020.Ref
	var known []string
	for field := range reflect.TypeFor[retention.Class]().Fields() {
		if field.IsExported() {
			known = append(known, strings.ToLower(field.Name[:1])+field.Name[1:])
		}
	}
	known[slices.Index(known, "name")] = "class"
	slices.Sort(known)
	if diff := cmp.Diff(known, slices.Sorted(maps.Keys(class.Properties))); diff != "" {
		t.Errorf("fields of the schema (-parser +schema):\n%s", diff)
	}
	for _, field := range known {
		_, err := retention.LoadPolicy([]byte(file(map[string]string{field: ""})))
		if required := slices.Contains(class.Required, field); required != (err != nil) {
			t.Errorf("%s: the schema says required: %v, the parser without it: %v", field, required, err)
		}
	}
}
