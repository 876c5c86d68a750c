package contact_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/contact"
)

func TestSpellingsOfOneAddressAreOneContact(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := map[string]struct {
		channel             contact.Channel
		given, region, want string
	}{
		"an address already normal stays":            {contact.Email, "kari@example.no", "", "kari@example.no"},
		"both parts are lower-cased":                 {contact.Email, "Kari@Example.NO", "", "kari@example.no"},
		"white space around is trimmed":              {contact.Email, " \t kari@example.no\r\n", "", "kari@example.no"},
		"a no-break space around is trimmed":         {contact.Email, "\u00a0kari@example.no\u3000", "", "kari@example.no"},
		"a byte order mark around is trimmed":        {contact.Email, "\ufeffkari@example.no\u200b", "", "kari@example.no"},
		"a bidi mark around is trimmed":              {contact.Email, "\u202akari@example.no\u202c", "", "kari@example.no"},
		"a decomposed letter is composed":            {contact.Email, "a\u030age@example.no", "", "åge@example.no"},
		"a decomposed capital is composed":           {contact.Email, "A\u030aGE@example.no", "", "åge@example.no"},
		"the Angstrom sign is the letter":            {contact.Email, "\u212bge@example.no", "", "åge@example.no"},
		"the Kelvin sign is a k":                     {contact.Email, "\u212aari@example.no", "", "kari@example.no"},
		"the domain becomes A-labels":                {contact.Email, "kari@BLÅBÆR.no", "", "kari@xn--blbr-roah.no"},
		"an A-label stays":                           {contact.Email, "kari@XN--BLBR-ROAH.no", "", "kari@xn--blbr-roah.no"},
		"a full-width domain is ASCII":               {contact.Email, "kari@ｅｘａｍｐｌｅ.no", "", "kari@example.no"},
		"an ideographic full stop parts labels":      {contact.Email, "kari@example。no", "", "kari@example.no"},
		"a joiner where the script spells with it":   {contact.Email, "a@نامه\u200cای.com", "", "a@xn--mgba3gch31f060k.com"},
		"a plus tag is kept":                         {contact.Email, "kari+news@example.no", "", "kari+news@example.no"},
		"dots are kept":                              {contact.Email, "k.a.r.i@gmail.com", "", "k.a.r.i@gmail.com"},
		"every atom character is kept":               {contact.Email, "!#$%&'*+-/=?^_`{|}~@example.no", "", "!#$%&'*+-/=?^_`{|}~@example.no"},
		"64 octets before the @ are allowed":         {contact.Email, long + "@example.no", "", long + "@example.no"},
		"254 octets are allowed":                     {contact.Email, long + "@" + domainOf(189), "", long + "@" + domainOf(189)},
		"an e-mail address needs no region":          {contact.Email, "kari@example.no", "??", "kari@example.no"},
		"E.164 stays":                                {contact.SMS, "+4791234567", "", "+4791234567"},
		"separators are dropped":                     {contact.SMS, " +47 (912) 34-5.67 ", "", "+4791234567"},
		"typographic dashes are dropped":             {contact.SMS, "+47\u2011912\u201334567", "", "+4791234567"},
		"00 is a plus":                               {contact.SMS, "00 47 912 34 567", "", "+4791234567"},
		"00 is a plus whatever the region":           {contact.SMS, "0047 912 34 567", "US", "+4791234567"},
		"a national number in its region":            {contact.SMS, "912 34 567", "NO", "+4791234567"},
		"a region in lower case":                     {contact.SMS, "912 34 567", "no", "+4791234567"},
		"a number with a plus ignores the region":    {contact.SMS, "+4791234567", "SE", "+4791234567"},
		"a national prefix is dropped":               {contact.SMS, "070-174 06 05", "SE", "+46701740605"},
		"a national prefix in brackets is dropped":   {contact.SMS, "+46 (0)70 174 06 05", "", "+46701740605"},
		"a national prefix behind another goes too":  {contact.SMS, "+31 0 0 20 123 4567", "", "+31201234567"},
		"an Italian zero is kept":                    {contact.SMS, "+39 06 1234 5678", "", "+390612345678"},
		"another region's way to dial abroad":        {contact.SMS, "011 47 912 34 567", "US", "+4791234567"},
		"full-width digits":                          {contact.SMS, "＋４７９１２３４５６７", "", "+4791234567"},
		"Arabic digits":                              {contact.SMS, "+٤٧٩١٢٣٤٥٦٧", "", "+4791234567"},
		"Persian digits":                             {contact.SMS, "+۴۷۹۱۲۳۴۵۶۷", "", "+4791234567"},
		"characters a clipboard adds are dropped":    {contact.SMS, "\u202a+47 912\u200b 34\u00ad567\u202c", "", "+4791234567"},
		"15 digits are allowed":                      {contact.SMS, "+4912345678901234"[:16], "", "+491234567890123"},
		"a plus in brackets":                         {contact.SMS, "(+47) 912 34 567", "", "+4791234567"},
		"a number may say its country by its region": {contact.SMS, "4791234567", "NO", "+4791234567"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := contact.Normalise(test.channel, test.given, test.region)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.Address()); diff != "" {
				t.Errorf("address (-want +got):\n%s", diff)
			}
			if c.Channel() != test.channel {
				t.Errorf("channel = %s, want %s", c.Channel(), test.channel)
			}
		})
	}
}

func TestUncertainAddressesAreRefused(t *testing.T) {
	tests := map[string]struct {
		channel            contact.Channel
		given, region, why string
	}{
		"nothing":                             {contact.Email, "", "", "no @"},
		"white space only":                    {contact.Email, " \t", "", "no @"},
		"no at sign":                          {contact.Email, "kari.example.no", "", "no @"},
		"a full-width at sign":                {contact.Email, "kari＠example.no", "", "no @"},
		"no local part":                       {contact.Email, "@example.no", "", "nothing before"},
		"no domain":                           {contact.Email, "kari@", "", "empty label"},
		"two at signs":                        {contact.Email, "kari@ola@example.no", "", "not a domain name"},
		"a space inside":                      {contact.Email, "kari nordmann@example.no", "", "a space"},
		"a space in the domain":               {contact.Email, "kari@example .no", "", "a space"},
		"a line break inside":                 {contact.Email, "kari\n@example.no", "", "a space"},
		"a control character":                 {contact.Email, "kari\x00@example.no", "", "a control"},
		"a delete character":                  {contact.Email, "kari@exam\x7fple.no", "", "a control"},
		"a zero-width space inside":           {contact.Email, "ka\u200bri@example.no", "", "cannot be seen"},
		"a zero-width space in the domain":    {contact.Email, "kari@exam\u200bple.no", "", "cannot be seen"},
		"a byte order mark inside":            {contact.Email, "ka\ufeffri@example.no", "", "cannot be seen"},
		"a soft hyphen inside":                {contact.Email, "ka\u00adri@example.no", "", "cannot be seen"},
		"a soft hyphen in the domain":         {contact.Email, "kari@exam\u00adple.no", "", "cannot be seen"},
		"a variation selector":                {contact.Email, "ka\ufe0fri@example.no", "", "cannot be seen"},
		"a filler that is a letter to Go":     {contact.Email, "ka\u3164ri@example.no", "", "cannot be seen"},
		"a joiner in the local part":          {contact.Email, "ka\u200dri@example.no", "", "cannot be seen"},
		"a joiner between Latin letters":      {contact.Email, "kari@exam\u200dple.no", "", "not a domain name"},
		"a replacement character":             {contact.Email, "k\ufffdri@example.no", "", "means nothing"},
		"a private-use character":             {contact.Email, "k\ue000ri@example.no", "", "means nothing"},
		"not UTF-8":                           {contact.Email, "k\xe5ri@example.no", "", "not UTF-8"},
		"a display name":                      {contact.Email, "Kari <kari@example.no>", "", "a space"},
		"angle brackets":                      {contact.Email, "<kari@example.no>", "", "special character"},
		"a comment":                           {contact.Email, "kari(work)@example.no", "", "special character"},
		"a comment in the domain":             {contact.Email, "kari@example.no(work)", "", "not a domain name"},
		"a quoted local part":                 {contact.Email, `"kari"@example.no`, "", "special character"},
		"a quoted at sign":                    {contact.Email, `"kari@ola"@example.no`, "", "special character"},
		"a list":                              {contact.Email, "kari@example.no,ola@example.no", "", "not a domain name"},
		"a mailto":                            {contact.Email, "mailto:kari@example.no", "", "special character"},
		"a trailing dot":                      {contact.Email, "kari@gmail.com.", "", "a dot at its end"},
		"a trailing ideographic full stop":    {contact.Email, "kari@gmail.com。", "", "a dot at its end"},
		"an empty label":                      {contact.Email, "kari@a..b", "", "empty label"},
		"a domain that starts with a dot":     {contact.Email, "kari@.example.no", "", "empty label"},
		"a local part that starts with a dot": {contact.Email, ".kari@example.no", "", "a dot at the wrong place"},
		"a local part that ends with a dot":   {contact.Email, "kari.@example.no", "", "a dot at the wrong place"},
		"two dots in the local part":          {contact.Email, "ka..ri@example.no", "", "a dot at the wrong place"},
		"an underscore in the domain":         {contact.Email, "kari@ex_ample.no", "", "not a domain name"},
		"a domain literal":                    {contact.Email, "kari@[192.0.2.1]", "", "not a domain name"},
		"a broken A-label":                    {contact.Email, "kari@xn--0.no", "", "not a domain name"},
		"65 octets before the at sign":        {contact.Email, strings.Repeat("a", 65) + "@example.no", "", "64 octets"},
		"64 letters but more octets":          {contact.Email, strings.Repeat("å", 33) + "@example.no", "", "64 octets"},
		"255 octets":                          {contact.Email, strings.Repeat("a", 64) + "@" + domainOf(190), "", "254 octets"},
		"a megabyte of letters":               {contact.Email, "kari@" + strings.Repeat("ø", 500_000), "", "254 octets"},
		"a label of 64 octets":                {contact.Email, "kari@" + strings.Repeat("a", 64) + ".no", "", "63 octets"},
		"no number":                           {contact.SMS, "", "NO", "not a phone number"},
		"a number that names no country":      {contact.SMS, "91234567", "", "needs a region"},
		"a country code without its plus":     {contact.SMS, "4791234567", "", "needs a region"},
		"a region of one letter":              {contact.SMS, "91234567", "N", "two letters"},
		"a region of three letters":           {contact.SMS, "91234567", "NOR", "two letters"},
		"a region that is a country code":     {contact.SMS, "91234567", "47", "two letters"},
		"a malformed region beside a plus":    {contact.SMS, "+4791234567", "NOR", "two letters"},
		"a region that does not exist":        {contact.SMS, "91234567", "XX", "not one of that region"},
		"the library's word for no region":    {contact.SMS, "91234567", "ZZ", "not one of that region"},
		"a country code that does not exist":  {contact.SMS, "+999123456", "", "not a phone number"},
		"00 behind a plus":                    {contact.SMS, "+0047 91234567", "", "not a phone number"},
		"a plus inside":                       {contact.SMS, "0047+91234567", "", "no part of one phone number"},
		"two pluses":                          {contact.SMS, "++4791234567", "", "no part of one phone number"},
		"an extension":                        {contact.SMS, "+4791234567 ext. 12", "", "a letter"},
		"an extension behind an x":            {contact.SMS, "+4791234567x12", "", "a letter"},
		"an extension behind a hash":          {contact.SMS, "+4791234567#12", "", "no part of one phone number"},
		"an extension behind a tilde":         {contact.SMS, "+4791234567~12", "", "no part of one phone number"},
		"an extension as in a tel URI":        {contact.SMS, "+4791234567;ext=12", "", "no part of one phone number"},
		"two numbers":                         {contact.SMS, "+4791234567, +4791234568", "", "no part of one phone number"},
		"a URI that is no number's":           {contact.SMS, "fax:+4791234567", "", "a letter"},
		"a number shorter than any":           {contact.SMS, "+47 999", "", "as many digits"},
		"a number without its area":           {contact.SMS, "555 0123", "US", "as many digits"},
		"an amount":                           {contact.SMS, "1712345678.25", "DE", "decimals"},
		"a vanity number":                     {contact.SMS, "1-800-FLOWERS", "US", "a letter"},
		"a service code":                      {contact.SMS, "*21#", "NO", "no part of one phone number"},
		"a name before the number":            {contact.SMS, "Kari +4791234567", "", "a letter"},
		"a line break between digits":         {contact.SMS, "+47912\n34567", "", "no part of one phone number"},
		"digits the library cannot read":      {contact.SMS, "+४७९१२३४५६७", "", "no part of one phone number"},
		"a superscript digit":                 {contact.SMS, "+4791234567²", "", "no part of one phone number"},
		"an e-mail address":                   {contact.SMS, "kari@example.no", "NO", "a letter"},
		"16 digits":                           {contact.SMS, "+4912345678901234", "", "15 digits"},
		"far too many digits":                 {contact.SMS, "+49" + strings.Repeat("1", 300), "", "not a phone number"},
		"a channel there is none of":          {"fax", "+4791234567", "", "neither email nor sms"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := contact.Normalise(test.channel, test.given, test.region)
			if !errors.Is(err, contact.ErrInvalid) {
				t.Fatalf("error = %v, want ErrInvalid", err)
			}
			if !strings.Contains(err.Error(), test.why) {
				t.Errorf("error = %q, want it to say %q", err, test.why)
			}
			for _, word := range []string{"kari", "example", "912"} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("error %q shows a part of the address", err)
				}
			}
			if c != (contact.Contact{}) {
				t.Error("a contact came with the error")
			}
		})
	}
}

// domainOf returns a domain of exactly n octets, 64 < n.
func domainOf(n int) string {
	label := strings.Repeat("b", 62)
	d := ""
	for n-len(d) > 64 {
		d += label + "."
	}
	return d + strings.Repeat("c", n-len(d)-3) + ".no"
}

func checkStable(t interface{ Errorf(string, ...any) }, ch contact.Channel, address, region string) {
	once, err := contact.Normalise(ch, address, region)
	if err != nil {
		if !errors.Is(err, contact.ErrInvalid) {
			t.Errorf("%q: error %v is not ErrInvalid", address, err)
		}
		return
	}
	regions := []string{""}
	if ch == contact.SMS {
		regions = []string{"", region, "NO", "US"}
	}
	for _, again := range regions {
		twice, err := contact.Normalise(ch, once.Address(), again)
		if err != nil || twice != once {
			t.Errorf("%q in %q: then in %q: %q became %q (%v)", address, region, again, once.Address(), twice.Address(), err)
		}
	}
	if back, err := contact.FromNormalised(ch, once.Address()); err != nil || back != once {
		t.Errorf("%q does not come back from its own form %q: %v", address, once.Address(), err)
	}
	dots := strings.HasPrefix(strings.TrimLeft(once.Address(), "•"), "@") // the mask of dots has dots, too
	if strings.Contains(once.Masked(), once.Address()) && !dots {
		t.Errorf("the mask %q shows the address", once.Masked())
	}
}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("aAåÅİßςΣ.+\u030a\u0301\u0338\u212a"))), 1, 20, -1).Draw(t, "local")
		domain := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("aAåÅİßςΣ.-x。א\u200c\u0301"))), 1, 20, -1).Draw(t, "domain")
		checkStable(t, contact.Email, local+"@a.no", "")
		checkStable(t, contact.Email, "a@"+domain, "")
		checkStable(t, contact.Email, "a@"+domain+".no", "")
		checkStable(t, contact.Email, "a@xn--"+domain, "")
		digits := rapid.StringMatching(`(\+|00)?(0{0,4}|15|9|1)?[0-9]{1,16}`).Draw(t, "digits")
		region := rapid.SampledFrom([]string{"", "NO", "SE", "US", "AR", "BR", "MX", "SM", "IT", "GB", "RU", "HU", "KZ", "CN", "AU"}).Draw(t, "region")
		checkStable(t, contact.SMS, digits, region)
	})
}

func TestEveryLetterNormalisesStably(t *testing.T) {
	for r := rune(1); r <= 0x10ffff; r++ {
		if !unicode.IsGraphic(r) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue // refused, or 100,000 characters without case
		}
		checkStable(t, contact.Email, string(r)+"@example.no", "")
		checkStable(t, contact.Email, "a"+string(r)+"\u0301@example.no", "")
		checkStable(t, contact.Email, "a@b"+string(r)+".no", "")
	}
}

func TestEveryCaseOfAnAddressIsOneContact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-zæøå0-9+.]{1,12}@[a-zæøå0-9]{1,8}\.(no|com)`).Draw(t, "address")
		lower, lowerErr := contact.Normalise(contact.Email, address, "")
		upper, upperErr := contact.Normalise(contact.Email, " "+strings.ToUpper(address)+" ", "")
		if lower != upper || (lowerErr == nil) != (upperErr == nil) {
			t.Errorf("%q: %q and %q", address, lower.Address(), upper.Address())
		}
	})
}

func FuzzNormalise(f *testing.F) {
	for _, address := range []string{"Kari@Example.no", "åge@blåbær.no", "a@xn--mgba3gch31f060k.com", "+47 912 34 567", "0047 91234567", "070-174 06 05", "\u202a+１２"} {
		f.Add("email", address, "")
		f.Add("sms", address, "SE")
	}
	f.Fuzz(func(t *testing.T, channel, address, region string) {
		checkStable(t, contact.Channel(channel), address, region)
		checkStable(t, contact.Email, address, region)
		checkStable(t, contact.SMS, address, region)
	})
}
