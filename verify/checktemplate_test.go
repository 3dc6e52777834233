//go:build verify

package verify

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestTheCheckOfTheTemplateFindsWhatLintersMiss breaks the expanded template in one place at a time.
func TestTheCheckOfTheTemplateFindsWhatLintersMiss(t *testing.T) {
	t.Parallel()
	root := stack.Root(t)
	sound, err := os.ReadFile(filepath.Join(root, "build", "cfn.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a schedule that AWS refuses", `"rate(1 minute)"`, `"rate(1 minutes)"`, "PollerFunctionMinute: has the schedule"},
		{"an input that is no JSON", `"Input": "{\"sweep\":true}"`, `"Input": "{sweep}"`, "not JSON"},
		{"a filter that is no JSON", `{\"eventName\":[\"INSERT\"]`, `{\"eventName\":[\"INSERT\"`, "NotifierStream: has a filter that is not JSON"},
		{"a filter that lets expiries in", `{\"eventName\":[\"INSERT\"]`, `{\"eventName\":[\"INSERT\",\"REMOVE\"]`, "more than inserts"},
		{"a filter by what is not there", `\"dynamodb\":{\"Keys\"`, `\"dynamodb\":{\"Key\"`, "filters by Key"},
		{"an action on everything", `"ssm:GetParameters"`, `"ssm:*"`, "allows ssm:* on secret"},
		{"a write that a reader does not need", "\"dynamodb:Query\"\n         ]", "\"dynamodb:Query\", \"dynamodb:DeleteItem\"\n         ]", "ApiFunctionRole: allows dynamodb:DeleteItem on Table"},
		{"a secret of somebody else's", `parameter${SecretsPath}/api-token`, `parameter${SecretsPath}/access-token`, "ApiFunctionRole: allows ssm:GetParameters on secret access-token"},
		{"every secret", `parameter${SecretsPath}/api-token`, `parameter${SecretsPath}/*`, "ApiFunctionRole: allows ssm:GetParameters"},
		{"all indexes", `${Table.Arn}/index/view`, `${Table.Arn}/index/*`, "allows dynamodb:Query on Table/index/*"},
		{"a managed policy", "service-role/AWSLambdaBasicExecutionRole", "AmazonDynamoDBFullAccess", "has the policy"},
		{"a variable that nobody reads", `"WABAWATCH_LANGUAGE"`, `"WABAWATCH_LANGAUGE"`, "sets WABAWATCH_LANGAUGE, which the code does not read"},
		{"a variable that is missing", `"WABAWATCH_LANGUAGE"`, `"WABAWATCH_LANGAUGE"`, "does not set WABAWATCH_LANGUAGE"},
		{"logs that are kept for ever", `"RetentionInDays"`, `"Kept"`, "keeps logs for ever"},
		{"retries without end", `"MaximumRetryAttempts": 10`, `"Retries": 10`, "has no MaximumRetryAttempts"},
		{"failures that go nowhere", `"deadLetterTargetArn"`, `"target"`, "gives up without a trace"},
		{"an alarm that tells nobody", `"AlarmActions"`, `"Actions"`, "tells nobody"},
		{"a parameter that nothing uses", `"Ref": "LogRetentionDays"`, `"Ref": "RetentionDays"`, "LogRetentionDays: is a parameter that nothing uses"},
		{"no throttle", `"ThrottlingRateLimit"`, `"Rate"`, "lets in as much as the account does"},
	} {
		text := string(sound)
		if tc.want != "" {
			if text = strings.ReplaceAll(text, tc.old, tc.new); text == string(sound) {
				t.Errorf("%s: nothing to break", tc.name)
				continue
			}
		}
		path := filepath.Join(t.TempDir(), "cfn.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "python3", filepath.Join(root, "tools", "check_template.py"), path)
		cmd.Dir, cmd.Stderr = root, &said
		switch err := cmd.Run(); {
		case tc.want == "" && err != nil:
			t.Errorf("%s is broken: %v\n%s", tc.name, err, said.String())
		case tc.want != "" && (err == nil || !strings.Contains(said.String(), tc.want)):
			t.Errorf("%s: %v, want mention of %q in\n%s", tc.name, err, tc.want, said.String())
		}
	}
}
