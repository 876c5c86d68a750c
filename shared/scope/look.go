package scope

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"stille/shared/strictyaml"
)

// Look is how a brand's pages differ from the others; empty parts do not.
type Look struct {
	Colour     string // #rrggbb: of buttons and lines on white, with white text
	ColourDark string // #rrggbb: likewise in dark colours, with dark text
	Logo       string // a data URI of a picture that runs no script and loads nothing
}

// What the pages put a brand's colour on, and what they write on it. The pages'
// style has the same colours.
const (
	White    = "#ffffff"
	DarkCard = "#18211f"
	DarkText = "#0c231d"
)

const (
	leastContrast = 4.5     // WCAG 2.2, 1.4.3
	mostLogo      = 8 << 10 // octets: every page carries the logo
)

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

func readLook(f *strictyaml.Fields) Look {
	look := Look{
		Colour:     readColour(f, "colour", "a darker one", White),
		ColourDark: readColour(f, "colourDark", "a lighter one", DarkCard, DarkText),
	}
	if text := f.Text("logo"); text != "" {
		var err error
		if look.Logo, err = readLogo(text); err != nil {
			f.Wrong("logo", "%v", err)
		}
	}
	return look
}

// readColour reads a colour that can be told from the others by everybody.
func readColour(f *strictyaml.Fields, name, better string, others ...string) string {
	text := strings.ToLower(f.Text(name))
	switch {
	case text == "":
		return ""
	case !colour.MatchString(text):
		f.Wrong(name, `must be a colour in quotation marks, like "#17584a"`)
		return ""
	}
	for _, other := range others {
		// Cut, not rounded: 4.49 must not read as 4.5.
		if ratio := contrast(text, other); ratio < leastContrast {
			f.Wrong(name, "the contrast of %s with %s is %.2f:1, and must be %.1f:1: take %s", text, other, math.Floor(100*ratio)/100, leastContrast, better)
			break
		}
	}
	return text
}

// contrast is the contrast ratio of WCAG 2.2 between two colours.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(of string) float64 {
	rgb, _ := strconv.ParseUint(of[1:], 16, 32)
	linear := func(shift int) float64 {
		v := float64(rgb>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

const svgType = "image/svg+xml"

var dataURI = regexp.MustCompile(`^data:(image/(?:png|jpeg|gif|webp|svg\+xml));base64,([A-Za-z0-9+/=\s]+)$`)

// readLogo returns a data URI of an SVG or of a data URI.
func readLogo(text string) (string, error) {
	kind, picture := svgType, []byte(text)
	if !strings.HasPrefix(text, "<") {
		parts := dataURI.FindStringSubmatch(text)
		if parts == nil {
			return "", errors.New("must be <svg …> or data:image/…;base64,… of a PNG, JPEG, GIF, WebP or SVG picture, never an address")
		}
		var err error
		kind = parts[1]
		if picture, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(parts[2]), "")); err != nil {
			return "", errors.New("is not readable base64: copy the whole data URI")
		}
	}
	switch {
	case len(picture) > mostLogo:
		return "", fmt.Errorf("has %d octets, and may have %d: take a smaller picture", len(picture), mostLogo)
	case kind == svgType:
		if err := checkSVG(picture); err != nil {
			return "", err
		}
	case !strings.HasPrefix(string(picture), signature(kind)):
		return "", fmt.Errorf("is no %s picture", kind)
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(picture), nil
}

// signature is what a picture of the kind begins with.
func signature(kind string) string {
	return map[string]string{
		"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff", "image/gif": "GIF8", "image/webp": "RIFF",
	}[kind]
}

const svgNamespace = "http://www.w3.org/2000/svg"

// svgElements draw. No other element may be in a logo: some run scripts, move, or
// load from elsewhere.
var svgElements = regexp.MustCompile(`^(svg|g|defs|symbol|use|title|desc|path|rect|circle|ellipse|line|polyline|polygon|` +
	`text|tspan|linearGradient|radialGradient|stop|clipPath|mask|pattern)$`)

// elsewhere matches a style that loads something; url(#…) is in the picture.
var elsewhere = regexp.MustCompile(`(?i)url\(\s*["']?[^#"'\s]|@import|javascript:|\\`)

// checkSVG refuses an SVG that is more than a drawing.
func checkSVG(picture []byte) error {
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	elements := 0
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && elements > 0:
			return nil
		case err != nil:
			return errors.New("is no well-formed SVG")
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("must have no DOCTYPE: take it out")
		case xml.ProcInst:
			if t.Target != "xml" {
				return fmt.Errorf("must not have <?%s: take it out", t.Target)
			}
		case xml.StartElement:
			if elements++; elements == 1 && t.Name != (xml.Name{Space: svgNamespace, Local: "svg"}) {
				return fmt.Errorf("must begin with <svg xmlns=%q>", svgNamespace)
			}
			if t.Name.Space != svgNamespace || !svgElements.MatchString(t.Name.Local) {
				return fmt.Errorf("must not have the element %s: take it out", t.Name.Local)
			}
			if err := checkAttributes(t); err != nil {
				return err
			}
		}
	}
}

func checkAttributes(of xml.StartElement) error {
	for _, a := range of.Attr {
		name := strings.ToLower(a.Name.Local)
		switch {
		case a.Name.Space == "xmlns" || name == "xmlns":
		case strings.HasPrefix(name, "on"),
			name == "src",
			name == "href" && !strings.HasPrefix(a.Value, "#"),
			elsewhere.MatchString(a.Value):
			return fmt.Errorf("must not have the attribute %s of %s: a logo runs no script and loads nothing", a.Name.Local, of.Name.Local)
		}
	}
	return nil
}
