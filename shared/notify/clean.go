package notify

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// escape prepares a cleaned value for one medium.
type escape func(string) string

// plain is the escape of media that have no markup.
func plain(s string) string { return s }

// clean makes s one line of visible characters: white space becomes single spaces; control,
// format (bidirectional, zero-width), private and unassigned characters go; at most two
// combining marks stay on a letter. The result has at most max runes.
func clean(s string, max int) string {
	// What is far too long is cut before anything else, so that the work is bounded.
	if limit := 8 * max; len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	var b strings.Builder
	marks, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			space = b.Len() > 0
			continue
		case r == unicode.ReplacementChar, invisible(r):
			continue
		case r >= utf8.RuneSelf && unicode.Is(unicode.M, r):
			if marks++; marks > 2 || b.Len() == 0 || space {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return quality.Clip(b.String(), max)
}

// invisible reports whether r shows nothing, or changes how others show.
func invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7F
	}
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u2800', '\u034F', '\u17B4', '\u17B5':
		return true // blanks that count as letters or marks
	}
	return unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || !unicode.IsPrint(r)
}

// linkable finds what mail and chat programs turn into links: a scheme, or a name with a dot
// before letters.
var linkable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([\pL\pN_\-)\]])[.\x{3002}\x{FF0E}\x{FF61}]([\pL\pN_\-]*\pL)`)
})

// unlink breaks links in text that others chose, in the customary way: example[.]com.
func unlink(s string) string {
	if !strings.ContainsAny(s, ".:\u3002\uFF0E\uFF61") {
		return s
	}
	s = strings.ReplaceAll(s, "://", "[:]//")
	// Twice, since matches that share a label do not overlap.
	for range 2 {
		s = linkable().ReplaceAllString(s, "$1[.]$2")
	}
	return s
}

// name cleans what others chose freely.
func name(s string, max int) string { return quality.Clip(unlink(clean(s, max)), max) }

// lookalikes replace the characters that mean something to Slack or Teams. Slack knows no
// escape for most of them, so each becomes one that looks alike and means nothing.
var lookalikes = strings.NewReplacer(
	"<", "‹", ">", "›", "&", "＆", "*", "∗", "`", "ˋ", "~", "∼", "|", "¦", "\\", "∖", "[", "(", "]", ")",
	"@", "＠",
)

// chatText is the escape of chat. An underscore inside a word is no markup and stays.
func chatText(s string) string {
	s = lookalikes.Replace(s)
	if !strings.Contains(s, "_") {
		return s
	}
	r := []rune(s)
	for i, c := range r {
		if c == '_' && (i == 0 || i == len(r)-1 || !inWord(r[i-1]) || !inWord(r[i+1])) {
			r[i] = 'ˍ'
		}
	}
	return string(r)
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
