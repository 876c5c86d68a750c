package feedback_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/feedback"
)

func found(recipient string) []string {
	var all []string
	for _, c := range feedback.Addresses(recipient) {
		all = append(all, c.Address())
	}
	return all
}

func TestAddressesAreFoundHoweverWrapped(t *testing.T) {
	const kari, ola = "kari@example.no", "ola@example.no"
	for recipient, want := range map[string][]string{
		"": nil, "kari": nil, "Kari Nordmann <>": nil, "@example.no": nil, "kari@": nil, "kari@ola@example.no": nil, "kari@ex_ample.no": nil,
		"Kari@EXAMPLE.no": {kari}, "<kari@example.no>": {kari}, "\"Nordmann, Kari\" <kari@example.no>": {kari}, "=?utf-8?q?K=C3=A5re?= <kari@example.no>": {kari},
		"kari@example.no; ola@example.no": {kari, ola}, "kari@example.no ola@example.no": {kari, ola}, "kari@example.no\r\n\tola@example.no": {kari, ola},
		"<kari@example.no>,<ola@example.no>": {kari, ola}, "<kari@example.no, ola@example.no>": {kari, ola}, "Kari <kari@example.no> ola@example.no": {kari, ola},
		"kari@example.no, Ola <ola@example.no>": {kari, ola}, ",,kari@example.no,,": {kari}, "kari@example.no..": {kari}, "kari@example.no.,": {kari},
		"ola@example.no <kari@example.no>": {kari}, "\"ola@example.no, Inc\" <kari@example.no>": {kari}, "kari@example.no <undisclosed>": {kari},
		"'kari@example.no'": {kari}, "\"kari@example.no\"": {kari}, "“kari@example.no”": {kari}, "'kari@example.no' <kari@example.no>": {kari},
		"MAILTO:kari@example.no?subject=x": {kari}, "<mailto:kari@example.no>": {kari}, "mailto:kari%40example.no": {kari}, "rfc822;kari@example.no": {kari},
		"<@relay.example:kari@example.no>": {kari}, "kari @ example.no": {kari}, "kari@\r\n example.no": {kari}, "\"kari\"@example.no": {kari},
		"kari@example.no (Kari Nordmann)": {kari}, "(Kari) kari@example.no": {kari}, "[kari@example.no]": {kari}, "Kari <kari@example.no": {kari},
		"K\ufffdre <kari@example.no>": {kari}, "Kari\u00a0<kari@example.no>": {kari}, "Kari\u00a0kari@example.no": {kari}, "\ufeffkari@example.no": {kari},
		"=?utf-8?Q?kari=40example.no?=": {kari}, "=?x-unknown?B?a2FyaUBleGFtcGxlLm5v?=": {kari}, "kari@example.no!": {kari}, "kari@example.no。": {kari},
		"undisclosed-recipients:;": nil, "Group: kari@example.no, ola@example.no;": {kari, ola}, "kåre@blåbær.no": {"kåre@xn--blbr-roah.no"},
		"\"kari@home\"@example.no": nil, "\"kari nordmann\"@example.no": nil, "\"kari@home\"@example.no, ola@example.no": {ola}, "kari\u00a0@\u00a0example.no": {kari},
		"mailto:?to=kari@example.no&cc=ola@example.no": {kari, ola}, "mailto:kari@example.no?BCC=ola@example.no": {kari, ola}, "mailto:Kari%20%3Ckari@example.no%3E": {kari},
		"kari@example.no|ola@example.no": {kari, ola}, "kari@example.no/ola@example.no": {kari, ola}, "{kari@example.no}": {kari}, "«kari@example.no»": {kari},
		"A group of friends:Kari <kari@example.no>,ola@example.no;": {kari, ola}, "<@a.example,@b.example:kari@example.no>": {kari}, "Kari(comment)<kari@example.no>": {kari},
		"kari@example.no (Kari (the boss) Nordmann)": {kari}, "=?UTF-8?B?S8OlcmU=?= =?UTF-8?B?IE5vcmRtYW5u?= <kari@example.no>": {kari}, "=?iso-8859-1?Q?K=E5re_=3Ckari=40example.no=3E?=": {kari},
		"=?utf-8*en?Q?K=C3=A5re?= <kari@example.no>": {kari}, "=?ISO-2022-JP?B?GyRCO0MbKEI=?= <kari@example.no>": {kari}, "=?utf-8?Q?K=C3=A5re <kari@example.no>": {kari},
		"\"kari@home\" <kari@example.no>": {kari}, "\"Kari \\\"K\\\" Nordmann\" <kari@example.no>": {kari}, "Kari \"K\" Nordmann <kari@example.no>": {kari}, "\"unclosed <kari@example.no>": {kari},
		"kari@example.no via list.example": {kari}, "Kari &lt;kari@example.no&gt;": {kari}, "<a href=\"mailto:kari@example.no\">Kari</a>": {kari}, "SMTP:KARI@EXAMPLE.NO": {kari},
		"kari@example.no\r\nBcc: ola@example.no": {kari, ola}, "'Kari' <'kari@example.no'>": {kari}, "Kari [kari@example.no]": {kari}, "kari@example.no\\": {kari}, "kari@example.no\x00": {kari},
		"kari@[192.0.2.1]": nil, "kari at example.no": nil, "MAILER-DAEMON": nil, "x400:c=no;a=;p=x": nil, "ka\u00adri@example.no": nil,
		"kari=example.no@bounce.example": {"kari=example.no@bounce.example"}, "r&d@example.no": {"r&d@example.no"},
		"‘kari@example.no’": {kari}, "`kari@example.no`": {kari}, "*kari@example.no*": {kari}, "_kari@example.no_.": {kari}, "‘o'hara@example.no’": {"o'hara@example.no"},
		"-kari@example.no": {"-kari@example.no"}, "_kari@example.no": {"_kari@example.no"}, "kari@example.no’s": {kari}, "o’hara@example.no": {"o’hara@example.no"}, "kari@example.no…": {kari}, "kari@example.no、ola@example.no": {kari, ola},
		"mailto:kari%2Bshop@example.no": {"kari+shop@example.no"}, "mailto:%6Bari@example.no?subject=a%40b.no": {kari}, "mailto:?to=kari%40example.no&bcc=ola%40example.no": {kari, ola},
		"mailto:r&d@example.no": {"r&d@example.no"}, "kari%2Bshop@example.no": {"kari%2bshop@example.no"}, "kari@example.no&ola@example.no": {kari, ola},
		"＜kari＠example.no＞": {kari}, "kari@example.no；ola@example.no": {kari, ola}, "kari&#64;example.no": {kari}, "kari&commat;example.no": {kari},
		"‹kari@example.no›": {kari}, "‚kari@example.no‘": {kari}, "kari@example.no$": {kari}, "kari@example.no%": {kari}, "kari@example.no^": {kari}, "kari@example.no💌": {kari},
		"kari@example.no=20": {kari}, "=3Ckari@example.no=3E": {kari}, "Kari =3Ckari=40example.no=3E": {kari},
		"o'hara@example.no": {"o'hara@example.no"}, "kari@example.no, kari@example.no": {kari},
	} {
		if diff := cmp.Diff(want, found(recipient), cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", recipient, diff)
		}
	}
}

// wrapped draws an address and what mail systems put around it.
func wrapped(t *rapid.T) (address, recipient string) {
	address = rapid.StringMatching(`[a-z0-9+]{1,8}(\.[a-z0-9]{1,5})?@[a-z0-9]{1,8}(\.[a-z]{2,5}){1,2}`).Draw(t, "address")
	name := rapid.SampledFrom([]string{"", "Kari", "Nordmann, Kari", `"Nordmann, Kari"`, "=?windows-1252?Q?K=E5re?=", "=?x-unknown?B?S2FyZQ==?=", address, "'" + address + "'", "K\ufffdre", "Kari\r\n"}).Draw(t, "name")
	recipient = address
	if name != "" || rapid.Bool().Draw(t, "brackets") {
		recipient = name + " <" + rapid.SampledFrom([]string{"", "<", "mailto:", " "}).Draw(t, "open") + address + rapid.SampledFrom([]string{">", ">>", ".>", " >", ""}).Draw(t, "close")
	}
	around := rapid.SampledFrom([]string{"", " ", ",", ";", "\r\n ", "\t", ", ", ".", ".,"})
	return address, around.Filter(func(s string) bool { return !strings.HasPrefix(s, ".") }).Draw(t, "before") + recipient + around.Draw(t, "behind")
}

func TestNoRecipientWithAnAddressYieldsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var list []string
		for range rapid.IntRange(1, 3).Draw(t, "count") {
			address, recipient := wrapped(t)
			want, list = append(want, address), append(list, recipient)
		}
		got := found(strings.Join(list, ","))
		for _, address := range want {
			if !slices.Contains(got, address) {
				t.Errorf("%q yields %q, want %s in it", list, got, address)
			}
		}
	})
}

func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"|@example.no", "\u2039kari@example.no\u203a", "kari@example.no", "Kari <kari@example.no>,", `"a, b" <<x@y.no>>`, "=?x?B?S2FyZQ==?= <a@b.no>", "mailto:a%40b.no", "a @ b.no"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, recipient string) {
		for _, c := range feedback.Addresses(recipient) {
			if again, err := contact.Normalise(contact.Email, c.Address(), ""); err != nil || again != c {
				t.Errorf("%q yields what is no address", recipient)
			}
		}
		// A recipient that is one address is found: as it is, if no mark stands in it.
		marked := strings.ContainsFunc(recipient, func(r rune) bool {
			return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("@.+-_=", r)
		})
		if c, err := contact.Normalise(contact.Email, recipient, ""); err == nil && (len(found(recipient)) == 0 || !marked && !slices.Contains(feedback.Addresses(recipient), c)) {
			t.Errorf("%q is an address and is not found", recipient)
		}
	})
}
