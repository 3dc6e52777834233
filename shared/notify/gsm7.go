package notify

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The GSM 7-bit default alphabet, and the characters of its extension table, which take two
// septets each. A single character outside both makes a part hold 70 characters instead of 160.
// Source: 3GPP TS 23.038.
const (
	gsmBasic     = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "^{}\\[~]|€"
)

// septets is how many septets r takes; 0 if GSM-7 cannot say it.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtension, r):
		return 2
	}
	return 0
}

// septetsOf is how many septets s takes. All of s is GSM-7.
func septetsOf(s string) int {
	n := 0
	for _, r := range s {
		n += septets(r)
	}
	return n
}

// spelling are letters and signs that do not fall apart into a base letter and marks.
var spelling = strings.NewReplacer(
	"‘", "'", "’", "'", "‚", "'", "‹", "'", "›", "'", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "´", "'", "`", "'",
	"‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "−", "-", "…", "...", "•", "-", "·", "-", "→", "->", "⁄", "/", "×", "x",
	"ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D",
	"ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i", "ħ", "h", "Ħ", "H", "ŋ", "n", "€", "EUR", "£", "GBP", "¥", "JPY", "¿", "?", "¡", "!",
	"а", "a", "б", "b", "в", "v", "г", "g", "д", "d", "е", "e", "ё", "e", "ж", "zh", "з", "z", "и", "i", "й", "i", "к", "k", "л", "l",
	"м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t", "у", "u", "ф", "f", "х", "kh", "ц", "ts", "ч", "ch", "ш", "sh",
	"щ", "shch", "ъ", "", "ы", "y", "ь", "", "э", "e", "ю", "yu", "я", "ya", "і", "i", "ї", "i", "є", "ie", "ґ", "g",
	"α", "a", "β", "b", "γ", "g", "δ", "d", "ε", "e", "ζ", "z", "η", "i", "θ", "th", "ι", "i", "κ", "k", "λ", "l", "μ", "m", "ν", "n",
	"ξ", "x", "ο", "o", "π", "p", "ρ", "r", "σ", "s", "ς", "s", "τ", "t", "υ", "y", "φ", "f", "χ", "ch", "ψ", "ps", "ω", "o",
)

// ascii spells s in printable ASCII. What has no spelling becomes a question mark, several in
// a row one.
func ascii(s string) string { return spell(s, func(rune) bool { return false }) }

// gsm7 spells s in GSM-7 without its control characters and without the extension table, which
// costs twice.
func gsm7(s string) string {
	return single.Replace(spell(s, func(r rune) bool { return r > '~' && septets(r) == 1 }))
}

// single are the characters of ASCII that take two septets, or that GSM-7 lacks, as one that
// takes one.
var single = strings.NewReplacer("[", "(", "]", ")", "{", "(", "}", ")", "\\", "/", "|", "/", "~", "-", "^", "'", "`", "'")

// spell keeps printable ASCII and what keep allows, and transliterates the rest.
func spell(s string, keep func(rune) bool) string {
	var b strings.Builder
	lost := false
	put := func(t string) {
		b.WriteString(t)
		lost = false
	}
	for _, r := range s {
		if ' ' <= r && r <= '~' || keep(r) {
			put(string(r))
			continue
		}
		if t := letters(r); t != "" {
			put(t)
			continue
		}
		if !lost && !unicode.In(r, unicode.M, unicode.C) {
			b.WriteByte('?')
			lost = true
		}
	}
	return b.String()
}

// letters spells one character in ASCII; "" if there is no way.
func letters(r rune) string {
	if t := spelling.Replace(string(r)); t != string(r) {
		return t
	}
	if low := unicode.ToLower(r); low != r {
		if t := spelling.Replace(string(low)); t != string(low) {
			return strings.ToUpper(t[:min(1, len(t))]) + t[min(1, len(t)):]
		}
	}
	var b strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		switch {
		case ' ' <= d && d <= '~':
			b.WriteRune(d)
		case unicode.Is(unicode.M, d):
		case d != r:
			b.WriteString(spelling.Replace(string(d)))
		}
	}
	t := b.String()
	for _, d := range t {
		if d < ' ' || d > '~' {
			return ""
		}
	}
	return t
}

// legible reports whether enough of a transliterated name is left to know it by.
func legible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
