package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// TestServePublishesToATopic finds endpoint, region and credentials as the AWS command line
// does: in a profile.
func TestServePublishesToATopic(t *testing.T) {
	const arn = "arn:aws:sns:eu-west-1:123456789012:alerts"
	topic := snstest.New(arn)
	server := httptest.NewServer(topic)
	defer server.Close()
	dir := t.TempDir()
	profile := filepath.Join(dir, "aws")
	text := "[profile ops]\nregion = eu-west-1\naws_access_key_id = AKIDTEST\naws_secret_access_key = test\nservices = local\n\n[services local]\nsns =\n  endpoint_url = " + server.URL + "\n"
	if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, filepath.Join(dir, "topic.db"), "", "WABAWATCH_SNS_TOPIC_ARN="+arn,
		"AWS_CONFIG_FILE="+profile, "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"), "AWS_PROFILE=ops", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_REGION=", "AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_SNS=")
	sale := whatsapptest.Template{ID: "9007199254740993123", Name: "autumn_sale", Language: "en_US", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"}
	if status, err := p.sender().Send(t.Context(), whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", time.Now())); err != nil || status != http.StatusOK {
		t.Fatalf("webhook = %d, %v", status, err)
	}
	eventually(t, "an alert in the topic", func() bool { return len(topic.Accepted()) > 0 })
	if got := topic.Accepted(); len(got) != 1 || !strings.Contains(got[0].Texts["default"], sale.ID) {
		t.Errorf("published %+v, want the alert about %s\n%s", got, sale.ID, p.printed())
	}
}
