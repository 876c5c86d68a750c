package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// lists imports the opt-outs that another system exported, and scrubs the list of
// a mailing: only who did not opt out is left.
func (s *story) lists(ctx context.Context, silent, imported, open person) error {
	folder, err := os.MkdirTemp("", "stille-story")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	write := func(name string, lines ...string) (string, error) {
		path := filepath.Join(folder, name)
		return path, os.WriteFile(path, []byte(strings.Join(lines, "\r\n")+"\r\n"), 0o600)
	}
	export, err := write("unsubscribed.csv", "Email Address,First Name,UNSUB_TIME,UNSUB_REASON", imported.email+",Per,2023-11-02 09:13:22,NORMAL")
	if err != nil {
		return err
	}
	type imports struct{ Lines, Taken, Doubts, Rejected int }
	taken, err := answerOf[imports](ctx, s, "import", export, "--scope", string(s.stack.Scope))
	if err != nil {
		return err
	}
	s.print("import of a Mailchimp export", fmt.Sprintf("lines %d, taken %d, doubts %d, rejected %d", taken.Lines, taken.Taken, taken.Doubts, taken.Rejected))
	if taken.Taken != 1 || taken.Doubts+taken.Rejected != 0 {
		return fmt.Errorf("the import took %d of %d lines", taken.Taken, taken.Lines)
	}
	if err := s.expect(ctx, imported, false, true); err != nil {
		return err
	}
	spring, err := write("spring.csv", "Name;E-mail", "Silent;"+silent.email, "Imported;"+imported.email, "Open;"+open.email)
	if err != nil {
		return err
	}
	type scrubs struct{ Lines, Clean, Suppressed int }
	split, err := answerOf[scrubs](ctx, s, "scrub", spring, "--scope", string(s.stack.Scope))
	if err != nil {
		return err
	}
	s.print("scrub of spring.csv", fmt.Sprintf("%d lines: %d clean, %d suppressed", split.Lines, split.Clean, split.Suppressed))
	clean, err := os.ReadFile(filepath.Join(folder, "spring.clean.csv"))
	if err != nil {
		return err
	}
	if want := "Name;E-mail\r\nOpen;" + open.email + "\r\n"; string(clean) != want {
		return fmt.Errorf("spring.clean.csv is %q, where %q is right", clean, want)
	}
	return nil
}

// answerOf runs the operator's CLI and reads its answer.
func answerOf[Answer any](ctx context.Context, s *story, args ...string) (Answer, error) {
	var answer Answer
	out, err := s.operator(ctx, append(args, "--json")...)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		return answer, fmt.Errorf("reading what stille %s answers: %w", strings.Join(args[:2], " "), err)
	}
	return answer, nil
}
