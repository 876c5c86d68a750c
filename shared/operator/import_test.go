package operator

import (
	"slices"
	"testing"
	"time"
)

func TestTimesOfEveryCommonFormAreRead(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	const morning, evening = "2023-11-02T09:13:22Z", "2023-11-02T22:59:59Z"
	for text, want := range map[string]string{
		"2023-11-02T09:13:22Z":                    morning,
		"2023-11-02T10:13:22+01:00":               morning,
		"2023-11-02T10:13:22.123456+0100":         morning,
		"2023-11-02 10:13:22":                     morning,
		"2023-11-02 09:13:22 UTC":                 morning,
		"2023-11-02 03:13:22-06":                  morning,
		"2023-11-02 04:13:22 EST":                 "2023-11-02T09:13:22Z",
		"2023-11-02 09:13:22 Europe/London":       morning,
		"2023/11/02 10:13:22":                     morning,
		"2023-11-02T10:13":                        "2023-11-02T09:13:00Z",
		"20231102T091322Z":                        morning,
		"20231102101322":                          morning,
		"1698916402":                              morning,
		"1698916402000":                           morning,
		"1698916402123456":                        morning,
		"1698916402.5":                            morning,
		"1.698916402E9":                           morning,
		"02.11.2023 10:13:22":                     morning,
		"2.11.2023 kl. 10.13":                     "2023-11-02T09:13:00Z",
		"Thu, 02 Nov 2023 09:13:22 +0000":         morning,
		"Thu, 2 Nov 2023 09:13:22 GMT":            morning,
		"Thu Nov  2 10:13:22 2023":                morning,
		"Nov 2, 2023 10:13:22 AM":                 morning,
		"November 2nd, 2023 at 10:13:22 am":       morning,
		"2 November 2023, 10:13:22":               morning,
		"02-Nov-2023 10:13:22":                    morning,
		"2. oktober 2023":                         "2023-10-02T21:59:59Z",
		"2. marraskuuta 2023":                     evening,
		"2 marras 2023":                           evening,
		"2 lapkričio 2023":                        evening,
		"2 novembro 2023":                         evening,
		"3 mars 2023":                             "2023-03-03T22:59:59Z",
		"3. elokuuta 2023 klo 10.13":              "2023-08-03T08:13:00Z",
		"02-nov-23":                               evening,
		"torsdag 2. november 2023":                evening,
		"den 2 nov 2023":                          evening,
		"02.11.2023 um 10:13 Uhr":                 "2023-11-02T09:13:00Z",
		"2023-11-02 10:13:22 +0100 CET":           morning,
		"Thu Nov 02 2023 10:13:22 GMT+0100 (CET)": morning,
		"11/2/2023 12:13 AM":                      "",
		"13/2/2023 12:13 AM":                      "2023-02-12T23:13:00Z",
		"2/13/2023 12:13 PM":                      "2023-02-13T11:13:00Z",
		"45232":                                   evening,
		"45232.5":                                 "2023-11-02T11:00:00Z",
		"2023-11-02":                              evening,
		"20231102":                                evening,
		"'2023-11-02":                             evening,
		"02.11.23":                                evening,
		"2023-06-20":                              "2023-06-20T21:59:59Z",
		"2023-02-30":                              "none",
		"31.04.2023":                              "none",
		"2023-11-02 25:00":                        "none",
		"2023-11-02 10:13 in the morning":         "none",
		"i fjor":                                  "none",
		"2023":                                    "none",
		"91234567":                                "none",
		"Xyz 2, 2023":                             "none",
		"99999999999999999999":                    "none",
	} {
		m, doubtful, ok := readTime(text, oslo, dayOrder{}, at)
		got := m.at.UTC().Truncate(time.Second).Format(time.RFC3339)
		switch {
		case !ok:
			got = "none"
		case doubtful:
			got = ""
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestTheColumnTellsDayFromMonth(t *testing.T) {
	for name, c := range map[string]struct {
		seen, want string
		doubtful   bool
	}{
		"a day above twelve":  {"31/12/2023", "2023-04-03T23:59:59Z", false},
		"a month first":       {"12/31/2023", "2023-03-04T23:59:59Z", false},
		"nothing tells":       {"5/6/2023", "2023-04-03T23:59:59Z", true},
		"both, in one column": {"", "2023-04-03T23:59:59Z", true},
	} {
		order := dayOrder{dayFirst: c.seen == "", monthFirst: c.seen == ""}
		order.note(c.seen)
		m, doubtful, ok := readTime("3/4/2023", time.UTC, order, at)
		if got := m.at.Format(time.RFC3339); !ok || got != c.want || doubtful != c.doubtful {
			t.Errorf("%s: %s, doubtful %v, read %v", name, got, doubtful, ok)
		}
	}
}

func TestEveryContactInATextIsFound(t *testing.T) {
	for text, want := range map[string][]string{
		"see also kari@example.no.":           {"kari@example.no"},
		"Kari <kari@example.no>, Ola":         {"kari@example.no"},
		"'kari@example.no":                    {"'kari@example.no", "kari@example.no"},
		`="kari@example.no"`:                  {"kari@example.no"},
		"mail=kari@example.no":                {"mail=kari@example.no", "kari@example.no"},
		"mailto:kari%40example.no":            {"kari@example.no"},
		"- kari+tag@example.no/x":             {"kari+tag@example.no"},
		"a@example.no;b@example.no":           {"a@example.no", "b@example.no"},
		"ka\u00adri@example.no":               {"kari@example.no", "ri@example.no"},
		"also\u200bkari@example.no":           {"alsokari@example.no", "kari@example.no"},
		"kari＠example.no":                     {"kari@example.no"},
		"kari @ example.no, takk":             {"kari@example.no"},
		"kari (at) example.no":                {"kari@example.no"},
		"kari[AT]example.no":                  {"kari@example.no"},
		"\"kari\"@example.no":                 {"kari@example.no"},
		"kari&#64;example.no":                 {"kari@example.no"},
		"kari=40example.no":                   {"kari@example.no"},
		"ring +47 912 00 102, takk":           {"+4791200102"},
		"0047 91200102 / 0047 91200103":       {"+4791200102", "+4791200103"},
		"+4791200102 +4791200103":             {"+4791200102", "+4791200103"},
		"tlf.(+47)91200102":                   {"+4791200102"},
		"47 912 00 102":                       {"+4791200102"},
		"id:4791200102":                       {"+4791200102"},
		"91200102":                            nil,
		"@ no address, 2023-11-02, 10:13":     nil,
		"5f2c6b1e-0000-4000-8000-00000000001": nil,
	} {
		var got []string
		for _, c := range Find(text, "") {
			got = append(got, c.Address())
		}
		for _, address := range want {
			if !slices.Contains(got, address) {
				t.Errorf("in %q is %q, want %q", text, got, want)
			}
		}
		if want == nil && got != nil {
			t.Errorf("in %q is %q, want %q", text, got, want)
		}
	}
	if got := Find("call 912 00 102", "NO"); len(got) != 1 || got[0].Address() != "+4791200102" {
		t.Errorf("with a region: %d", len(got))
	}
}
