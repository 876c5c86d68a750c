package lambdafn_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/lambdafn"
	"stille/shared/names"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	r := lambdafn.NewReader(lookup(map[string]string{"BLANK": "  ", "PORT": "secret-value", names.VarTaskRoot: t.TempDir()}))
	r.Required("ABSENT")
	r.Required("BLANK")
	r.Wrong("PORT", errors.New("not a number"))
	r.Wrong("FINE", nil)
	r.Wrong("ABSENT", errors.New("not a number either"))

	err := r.Err()
	if !errors.Is(err, lambdafn.ErrConfiguration) {
		t.Fatalf("want ErrConfiguration, got %v", err)
	}
	want := "bad configuration: ABSENT is missing; BLANK is missing; PORT: not a number"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestAGoodConfigurationIsRead(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "scopes.yaml"), []byte("scopes"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := lambdafn.NewReader(lookup(map[string]string{"NAME": " stille ", names.VarTaskRoot: root}))

	got := []string{r.Required("NAME"), r.Optional("NAME"), r.Optional("ABSENT"), string(r.File("scopes.yaml"))}
	if diff := cmp.Diff([]string{"stille", "stille", "", "scopes"}, got); diff != "" {
		t.Error(diff)
	}
	if err := r.Err(); err != nil {
		t.Errorf("want no error, got %v", err)
	}
}

func TestAMissingFileIsAMistake(t *testing.T) {
	r := lambdafn.NewReader(lookup(map[string]string{names.VarTaskRoot: t.TempDir()}))
	r.File("scopes.yaml")
	if err := r.Err(); !errors.Is(err, lambdafn.ErrConfiguration) {
		t.Errorf("want ErrConfiguration, got %v", err)
	}
}

func TestOutsideLambdaFilesLieInTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("retention.yaml", []byte("classes"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := lambdafn.NewReader(lookup(nil))
	if diff := cmp.Diff("classes", string(r.File("retention.yaml"))); diff != "" {
		t.Error(diff)
	}
	if err := r.Err(); err != nil {
		t.Errorf("want no error, got %v", err)
	}
}
