package dynamo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaceholderStandsForTheAttributeOfItsName(t *testing.T) {
	for _, test := range []struct {
		of   terms
		want map[string]string
	}{
		{terms{set: "REMOVE #scope", where: "attribute_exists(#id)"}, map[string]string{"#scope": "scope", "#id": "id"}},
		{
			terms{where: "#cases.#case.#kind=:kind", names: map[string]string{"#case": "C-1", "#other": "O"}},
			map[string]string{"#cases": "cases", "#case": "C-1", "#kind": "kind"},
		},
		{
			terms{set: "ADD #epoch :one", where: "#turn <= :turn", names: map[string]string{"#turn": "turn#messaging"}},
			map[string]string{"#epoch": "epoch", "#turn": "turn#messaging"},
		},
		{terms{set: "#id,#subject,#scope"}, map[string]string{"#id": "id", "#subject": "subject", "#scope": "scope"}},
		{terms{set: "SET a = :a", where: "attribute_exists(a)"}, nil},
	} {
		if diff := cmp.Diff(test.want, test.of.attributes()); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.of.set, test.of.where, diff)
		}
	}
}

func TestAnUpdateSetsRemovesAndKeepsAttributes(t *testing.T) {
	got := setting(item{"b": text("new"), "a": text("old"), "gone": text(""), "empty": list[string](nil), "map": members(item{})}, "a")
	want := "SET #a = if_not_exists(#a, :newa), #b = :newb, #map = :newmap REMOVE #empty, #gone"
	if got.set != want || len(got.values) != 3 {
		t.Errorf("got %q with %d values, want %q", got.set, len(got.values), want)
	}
	under := got.under(terms{where: "#c = :c", values: item{":c": text("is")}})
	if under.set != want || under.where != "#c = :c" || len(under.values) != 4 || len(got.values) != 3 {
		t.Errorf("under a condition: %+v", under)
	}
}
