package dynamo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

func instants() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond")).UTC()
	})
}

func marks() *rapid.Generator[suppression.Mark] {
	return rapid.Custom(func(t *rapid.T) suppression.Mark {
		maybe := rapid.OneOf(instants(), rapid.Just(time.Time{}))
		source := rapid.SampledFrom([]suppression.Source{"", suppression.SourceLink, "hook:brevo"})
		return suppression.Mark{
			First: maybe.Draw(t, "first"), Last: instants().Draw(t, "last"), Source: source.Draw(t, "source"),
			ReleasedAt: maybe.Draw(t, "released"), Consented: maybe.Draw(t, "consented"),
			Words: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) suppression.Word {
				return suppression.Word{At: instants().Draw(t, "at"), Source: source.Draw(t, "source"), Undo: rapid.Bool().Draw(t, "undo")}
			}), 0, 3).Draw(t, "words"),
		}
	})
}

func TestEverySuppressionIsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reasons := rapid.MapOfN(rapid.SampledFrom([]suppression.Reason{suppression.Stop, suppression.Complaint, "newer"}), marks(), 0, 2)
		want := suppression.Item{
			Key: "key", Channel: contact.SMS, Version: rapid.Int64Range(1, 1<<40).Draw(t, "version"), Head: ledger.Hash("head"),
			Touched: rapid.Int64Range(0, 3).Draw(t, "touched"),
			Former:  rapid.SliceOfN(rapid.SampledFrom([]contact.Key{"a", "b"}), 0, 2).Draw(t, "former"),
			Marks:   rapid.MapOfN(rapid.SampledFrom([]scope.Scope{"acme", "*"}), reasons, 0, 2).Draw(t, "marks"),
		}
		got, err := decodeSuppression(encodeSuppression(want))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("error %v (-written +read):\n%s", err, diff)
		}
	})
}
