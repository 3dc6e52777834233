package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// SignatureHeader is the header that carries the signature of a notification.
const SignatureHeader = "X-Hub-Signature-256"

// MAC is a signature as bytes.
type MAC [sha256.Size]byte

// ParseSignature reads a signature header: "sha256=" and 64 hexadecimal digits, nothing else.
// Meta sends them in lower case. It is cheap, so that a request without a proper signature
// costs nothing more.
//
// Source: Meta, Graph API webhooks, getting started, checked 2026-11.
func ParseSignature(header string) (m MAC, ok bool) {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != 2*len(m) || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return MAC{}, false
	}
	_, err := hex.Decode(m[:], []byte(digits))
	return m, err == nil
}

// VerifySignature reports whether m is the signature of exactly these bytes under one of the
// secrets. All secrets are tried, each compared in constant time.
func VerifySignature(m MAC, body []byte, secrets ...string) bool {
	valid := false
	for _, s := range secrets {
		if s == "" {
			continue // an empty key is no secret
		}
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), m[:]) {
			valid = true
		}
	}
	return valid
}
