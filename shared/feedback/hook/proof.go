package hook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// staleAfter is how far the signed time of a Standard Webhooks call may lie from
// now. Providers that repeat a call for days sign the first time: their calls
// have no age.
const staleAfter = 5 * time.Minute

func isAny(secret string) bool {
	return secret != "" && len(secret) <= 512 && !strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isPublicKey(secret string) bool { return publicKey(secret) != nil }

func isStandardSecret(secret string) bool {
	n := len(standardKey(secret))
	return n >= 24 && n <= 64
}

// equal compares in constant time.
func equal(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// sign returns the HMAC of the parts, one after another.
func sign(of func() hash.Hash, key []byte, parts ...string) []byte {
	mac := hmac.New(of, key)
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// keyProven is the proof of a provider that signs nothing.
func keyProven(r Request, secret string, _ time.Time) bool { return equal(r.Query.Get("key"), secret) }

func brevoProven(r Request, secret string, now time.Time) bool {
	scheme, token, _ := strings.Cut(r.Header["authorization"], " ")
	return keyProven(r, secret, now) || strings.EqualFold(scheme, "Bearer") && equal(strings.TrimSpace(token), secret)
}

// sendgridProven: SendGrid's "Event Webhook Security Features".
func sendgridProven(r Request, secret string, _ time.Time) bool {
	signature, err := base64.StdEncoding.DecodeString(r.Header["x-twilio-email-event-webhook-signature"])
	if err != nil {
		return false
	}
	digest := sha256.New()
	digest.Write([]byte(r.Header["x-twilio-email-event-webhook-timestamp"]))
	digest.Write(r.Body)
	return ecdsa.VerifyASN1(publicKey(secret), digest.Sum(nil), signature)
}

func publicKey(secret string) *ecdsa.PublicKey {
	der, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil
	}
	return key
}

// mailgunProven: Mailgun's "Securing Webhooks". The signature stands in the body.
func mailgunProven(r Request, secret string, _ time.Time) bool {
	var body struct {
		Signature struct{ Timestamp, Token, Signature text }
	}
	if json.Unmarshal(r.Body, &body) != nil {
		return false
	}
	s := body.Signature
	want := mailgunSignature(secret, string(s.Timestamp), string(s.Token))
	return s.Token != "" && equal(strings.ToLower(string(s.Signature)), want)
}

func mailgunSignature(secret, stamp, token string) string {
	return hex.EncodeToString(sign(sha256.New, []byte(secret), stamp, token))
}

// twilioProven: Twilio's "Validating Signatures from Twilio".
func twilioProven(r Request, secret string, _ time.Time) bool {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return false
	}
	return equal(r.Header["x-twilio-signature"], twilioSignature(secret, r.URL, form))
}

func twilioSignature(secret, address string, form url.Values) string {
	parts := []string{address}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			parts = append(parts, name, value)
		}
	}
	return base64.StdEncoding.EncodeToString(sign(sha1.New, []byte(secret), parts...))
}

// sinchProven: Sinch's "Validating callbacks", or the secret in the address.
func sinchProven(r Request, secret string, now time.Time) bool {
	want := sinchSignature(secret, string(r.Body), r.Header["x-sinch-webhook-signature-nonce"], r.Header["x-sinch-webhook-signature-timestamp"])
	return keyProven(r, secret, now) || equal(r.Header["x-sinch-webhook-signature"], want)
}

func sinchSignature(secret, body, nonce, stamp string) string {
	return base64.StdEncoding.EncodeToString(sign(sha256.New, []byte(secret), body, ".", nonce, ".", stamp))
}

// standardProven: the Standard Webhooks specification, "Verifying signatures".
func standardProven(r Request, secret string, now time.Time) bool {
	id, stamp := r.Header["webhook-id"], r.Header["webhook-timestamp"]
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || now.Sub(time.Unix(seconds, 0)).Abs() > staleAfter {
		return false
	}
	want := StandardSignature(secret, id, stamp, r.Body)
	return slices.ContainsFunc(strings.Fields(r.Header["webhook-signature"]), func(given string) bool { return equal(given, want) })
}

// StandardSignature is the signature of a call by the Standard Webhooks
// specification. The stamp is the call's time in Unix seconds.
func StandardSignature(secret, id, stamp string, body []byte) string {
	return "v1," + base64.StdEncoding.EncodeToString(sign(sha256.New, standardKey(secret), id, ".", stamp, ".", string(body)))
}

func standardKey(secret string) []byte {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return key
}
