package operator

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"stille/shared/suppression"
)

// Field is what a column of a file tells.
type Field string

// The fields that a file may have. An address stands on the channel of its row,
// or on the channel that its form shows.
const (
	FieldChannel Field = "channel"
	FieldAddress Field = "address"
	FieldEmail   Field = "email"
	FieldPhone   Field = "phone"
	FieldScope   Field = "scope"
	FieldReason  Field = "reason"
	FieldSince   Field = "since"
	FieldSource  Field = "source"
	FieldStatus  Field = "status" // whether the row tells of an opt-out

	fieldKey      Field = "key"
	fieldFirst    Field = "first"
	fieldLast     Field = "last"
	fieldReleased Field = "released"
	fieldMerged   Field = "mergedInto"
)

// RejectReason is the column of a file of rejects that an import adds. A later
// import passes over it.
const RejectReason = "reject-reason"

// MappedFields are the fields that a column can be mapped to by hand.
func MappedFields() []Field {
	return []Field{FieldChannel, FieldAddress, FieldScope, FieldReason, FieldSince, FieldSource, FieldStatus, FieldEmail, FieldPhone}
}

// export is a list as another system writes it, known by its columns. Names of
// columns are folded.
type export struct {
	has    []string
	only   bool // the file has no other columns
	fields map[string]Field
	reason suppression.Reason            // of every row; "" where a column tells it, or nobody
	words  map[string]suppression.Reason // the words of the reason column that mean something else elsewhere
	utc    bool                          // times without a zone are in UTC
}

// emailAnd are the columns of addresses by their names, and a column of times.
func emailAnd(columns []string, since string) map[string]Field {
	fields := map[string]Field{since: FieldSince}
	for _, name := range columns {
		if fieldOf(name) == FieldEmail {
			fields[name] = FieldEmail
		}
	}
	return fields
}

// exports are the lists that are known, those with more columns first. Every
// column that an entry does not name is passed over.
func exports(columns []string) []export {
	return []export{
		// our own
		{has: []string{"key", "channel", "scope", "reason", "first", "last"}, fields: map[string]Field{
			"key": fieldKey, "channel": FieldChannel, "scope": FieldScope, "reason": FieldReason, "first": fieldFirst, "last": fieldLast,
			"source": FieldSource, "released": fieldReleased, "mergedinto": fieldMerged,
		}},
		// Mailchimp: unsubscribed, cleaned
		{has: []string{"emailaddress", "unsubtime"}, fields: map[string]Field{"emailaddress": FieldEmail, "unsubtime": FieldSince}, reason: suppression.Unsubscribed, utc: true},
		{has: []string{"emailaddress", "cleantime"}, fields: map[string]Field{"emailaddress": FieldEmail, "cleantime": FieldSince}, reason: suppression.HardBounce, utc: true},
		// Mailchimp, where the audience names its own columns
		{has: []string{"unsubtime", "leid", "euid"}, fields: emailAnd(columns, "unsubtime"), reason: suppression.Unsubscribed, utc: true},
		{has: []string{"cleantime", "leid", "euid"}, fields: emailAnd(columns, "cleantime"), reason: suppression.HardBounce, utc: true},
		// SendGrid: bounces and blocks, invalid addresses, spam reports, unsubscribes
		{has: []string{"status", "reason", "email", "created"}, only: true, fields: map[string]Field{"email": FieldEmail, "created": FieldSince}, reason: suppression.HardBounce, utc: true},
		{has: []string{"reason", "email", "created"}, only: true, fields: map[string]Field{"email": FieldEmail, "created": FieldSince}, reason: suppression.HardBounce, utc: true},
		{has: []string{"ip", "email", "created"}, only: true, fields: map[string]Field{"email": FieldEmail, "created": FieldSince}, reason: suppression.Complaint, utc: true},
		{has: []string{"email", "groupid", "createdat"}, fields: map[string]Field{"email": FieldEmail, "createdat": FieldSince}, reason: suppression.Unsubscribed, utc: true},
		{has: []string{"email", "created"}, only: true, fields: map[string]Field{"email": FieldEmail, "created": FieldSince}, utc: true},
		// HubSpot
		{has: []string{"email", "unsubscribedfromallemail"}, fields: map[string]Field{
			"email": FieldEmail, "unsubscribedfromallemail": FieldStatus, "lastunsubscribedate": FieldSince, "unsubscribedate": FieldSince,
		}, reason: suppression.Unsubscribed},
		// ActiveCampaign
		{has: []string{"email", "unsubscribedate", "unsubscribereason"}, fields: map[string]Field{"email": FieldEmail, "unsubscribedate": FieldSince}, reason: suppression.Unsubscribed},
		// Klaviyo: suppressed profiles
		{has: []string{"email", "suppressedat", "suppressionreason"}, fields: map[string]Field{"email": FieldEmail, "suppressedat": FieldSince, "suppressionreason": FieldReason}, utc: true},
		// Brevo: blocked contacts
		{has: []string{"email", "reasoncode", "blockedat"}, fields: map[string]Field{"email": FieldEmail, "reasoncode": FieldReason, "blockedat": FieldSince}, utc: true},
		// listmonk
		{has: []string{"uuid", "email", "status", "updatedat"}, fields: map[string]Field{"email": FieldEmail, "status": FieldStatus, "updatedat": FieldSince}},
		// Mailgun: bounces, unsubscribes, complaints
		{has: []string{"address", "code", "error", "createdat"}, fields: map[string]Field{"address": FieldEmail, "createdat": FieldSince}, reason: suppression.HardBounce, utc: true},
		{has: []string{"address", "tags", "createdat"}, fields: map[string]Field{"address": FieldEmail, "createdat": FieldSince}, reason: suppression.Unsubscribed, utc: true},
		{has: []string{"address", "createdat"}, only: true, fields: map[string]Field{"address": FieldEmail, "createdat": FieldSince}, utc: true},
		// Postmark
		{has: []string{"emailaddress", "suppressionreason", "createdat"}, fields: map[string]Field{"emailaddress": FieldEmail, "suppressionreason": FieldReason, "createdat": FieldSince}, utc: true},
		// SES: the account's list, a contact list
		{has: []string{"emailaddress", "reason", "lastupdatetime"}, fields: map[string]Field{"emailaddress": FieldEmail, "reason": FieldReason, "lastupdatetime": FieldSince}, utc: true},
		{has: []string{"emailaddress", "unsubscribeall"}, fields: map[string]Field{
			"emailaddress": FieldEmail, "unsubscribeall": FieldStatus, "lastupdatedtimestamp": FieldSince,
		}, reason: suppression.Unsubscribed, utc: true},
		// End User Messaging
		{has: []string{"optedoutnumber"}, fields: map[string]Field{"optedoutnumber": FieldPhone, "optedouttimestamp": FieldSince, "enduseroptedout": FieldReason},
			words: map[string]suppression.Reason{"true": suppression.Stop, "false": suppression.Manual}, utc: true},
	}
}

// knownExport finds the export whose columns these are.
func knownExport(folded []string) (export, bool) {
	columns := slices.DeleteFunc(slices.Clone(folded), func(name string) bool { return name == "" || name == fold(RejectReason) })
	for _, e := range exports(columns) {
		missing := slices.ContainsFunc(e.has, func(name string) bool { return !slices.Contains(columns, name) })
		if !missing && (!e.only || len(columns) == len(e.has)) {
			return e, true
		}
	}
	return export{}, false
}

// fieldOf is what a column of an unknown file tells by its name. Numbers are not
// guessed: a list for e-mail may have a column of numbers.
func fieldOf(folded string) Field {
	for f, columns := range map[Field]string{
		FieldChannel: "channel", FieldScope: "scope", FieldReason: "reason", FieldSource: "source", FieldAddress: "address", FieldPhone: "phone",
		FieldEmail: "email emailaddress mail mailaddress epost epostadresse epostadress mejl mejladress emailadresse emailadress mailadresse sahkoposti sahkopostiosoite" +
			" elpastas elpastoadresas adresseemail adressemail courriel correo correoelectronico correoelettronico indirizzoemail emailadres adresemail eposti netfang",
		FieldSince: "since unsubscribedate unsubscribedat unsubscribetime unsubscribedon unsubscribeddate dateunsubscribed unsubscribetimestamp unsubtime unsubdate" +
			" blockedat removedon removedat canceledat cancelledat abmeldedatum abgemeldetam avregistreringsdatum frameldtdato frameldingsdato afmeldtdato afmeldingsdato" +
			" avmeldingstidspunkt meldtav meldtavdato avregistreratdatum avanmaldadatum afmeldtden abmeldezeitpunkt peruutuspaiva peruttu atsisakymodata optoutdate optouttime optedoutat optedouton confirmedoptoutdate suppressedat suppressiondate avmeldt avmeldtdato avmeldingsdato",
	} {
		if slices.Contains(strings.Fields(columns), folded) {
			return f
		}
	}
	return ""
}

// fold reduces the name of a column to small letters and digits.
func fold(name string) string {
	plain := strings.NewReplacer("ä", "a", "ö", "o", "å", "a", "ø", "o", "æ", "ae", "é", "e", "š", "s").Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, plain)
}

// namesContacts reports whether the name of a column promises addresses, or numbers.
func namesContacts(folded string) (emails, phones bool) {
	holds := func(words string) bool {
		return slices.ContainsFunc(strings.Fields(words), func(word string) bool { return strings.Contains(folded, word) })
	}
	return holds("email epost mejl mailad sahkoposti elpast courriel correo netfang recipient mottaker"),
		folded == "cell" || holds("phone mobil cellnumber cellno telefon tlf handy puhelin sms msisdn gsm whatsapp matkapuh")
}

// reasonOf reads a reason in the words of other systems.
func (e export) reasonOf(text string) (suppression.Reason, bool) {
	word := fold(text)
	if r, known := e.words[word]; known {
		return r, true
	}
	r, known := reasonWords()[word]
	return r, known
}

// reasonWords are the words of other systems for our reasons.
var reasonWords = sync.OnceValue(func() map[string]suppression.Reason { //nolint:gochecknoglobals // a constant, made when first needed
	all := map[string]suppression.Reason{}
	for r, words := range map[suppression.Reason]string{
		suppression.Unsubscribed: "unsubscribe donotallow unsubscribedviaemail unsubscribedviama unsubscribedviaapi unsub optout optedout listunsubscribe oneclick manualsuppression avmeldt avmeldtnyhetsbrev avmeld avregistrerad frameldt abgemeldet desabonne ikketillat tillatinte tilladikke nichtzulassen",
		suppression.HardBounce:   "bounce bounced hardbounced permanentbounce permanent invalidemail invalidaddress cleaned undeliverable",
		suppression.Complaint:    "complaints complained spam spamcomplaint spamreport spamreports contactflaggedasspam abuse markedasspam abusecomplaint",
		suppression.Manual:       "manually usersuppressed admin adminblocked blocklisted blacklisted blocked",
		suppression.Stop:         "stopp smsstop stopreply stopall",
		suppression.Objection:    "objected gdprobjection",
		suppression.Imported:     "import",
	} {
		for word := range strings.FieldsSeq(words) {
			all[word] = r
		}
	}
	for _, r := range suppression.Reported() {
		all[fold(string(r))] = r
	}
	return all
})

// tellsConsent reports whether a folded cell of any column says that the person wants
// messages.
func tellsConsent(folded string) bool {
	return slices.Contains([]string{"subscribed", "optin", "optedin"}, folded)
}

// tellsNoOptOut reports whether the folded status of a row says that the person wants
// messages.
func tellsNoOptOut(folded string) bool {
	return tellsConsent(folded) || slices.Contains([]string{"false", "no", "nei", "nej", "nein", "ei", "ne", "0", "enabled", "active", "allow", "tillat", "tillad", "zulassen"}, folded)
}

// tellsYes reports whether a folded cell is a yes.
func tellsYes(folded string) bool {
	return slices.Contains([]string{"true", "yes", "y", "ja", "1", "kylla", "taip", "granted", "accepted"}, folded)
}

// asksConsent reports whether the folded name of a column asks for a yes to messages.
func asksConsent(folded string) bool {
	return !asksOptOut(folded) && slices.ContainsFunc(strings.Fields("accept optin consent permission subscribed emailsubscribe smssubscribe samtyk samtyc einwillig suostumus sutikim"),
		func(word string) bool { return strings.Contains(folded, word) })
}

// asksOptOut reports whether the folded name of a column asks for an opt-out.
func asksOptOut(folded string) bool {
	return slices.ContainsFunc(strings.Fields("unsub optout optedout blacklist blocklist suppress donot exclude avmeld avregistr afmeld frameld abgemeldet meldtav perut peruut atsisak reserver neitakk nejtack nejtak frabed undanbe kielto widerspr cancel deactivat"),
		func(word string) bool { return strings.Contains(folded, word) })
}
