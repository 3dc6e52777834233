package awscall

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Service is a service of AWS: where it is, and how it is spoken to.
type Service struct {
	// ID is what settings of endpoints call it, DynamoDB for instance; Name stands in its host
	// and in signatures.
	ID, Name string
	// ContentType is of requests.
	ContentType string
	// Target stands before an operation in the header X-Amz-Target; "" if the body names it.
	Target string
	// Fault reads the code of a refusal and the words that come with it, "" if it has none.
	Fault func(body []byte) (code, message string)
}

// Content types of the protocols in JSON.
const (
	JSON10 = "application/x-amz-json-1.0"
	JSON11 = "application/x-amz-json-1.1"
)

// JSONFault reads a refusal in JSON. What is not JSON comes from something in between.
func JSONFault(body []byte) (code, message string) {
	var e struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // or Message; case does not matter here
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	if e.Type == "" {
		e.Type = e.Code
	}
	return e.Type, e.Message
}

// suffixes end the hosts of regions whose names begin so; of all others it is amazonaws.com.
// Source: AWS SDK for Go v2, internal/endpoints/awsrulesfn/partitions.json, checked 2026-11.
var suffixes = map[string]string{
	"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu",
	"us-iso": "c2s.ic.gov", "us-isob": "sc2s.sgov.gov", "eu-isoe": "cloud.adc-e.uk", "us-isof": "csp.hci.ic.gov",
}

// endpoint is where the service answers: where cfg says, by service or for all of them, or else
// at its own address in the region.
func endpoint(cfg aws.Config, s Service) string {
	if url := cmp.Or(setting(cfg, s), aws.ToString(cfg.BaseEndpoint)); url != "" {
		return strings.TrimRight(url, "/") + "/"
	}
	suffix := "amazonaws.com"
	parts := strings.Split(cfg.Region, "-")
	for n := 1; n < len(parts); n++ {
		if other, ok := suffixes[strings.Join(parts[:n], "-")]; ok {
			suffix = other
		}
	}
	return "https://" + s.Name + "." + cfg.Region + "." + suffix + "/"
}

// setting is the endpoint that cfg has for this service, "" for none, found as the SDK does.
func setting(cfg aws.Config, s Service) string {
	ctx := context.Background()
	for _, source := range cfg.ConfigSources {
		if p, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignore, found, err := p.GetIgnoreConfiguredEndpoints(ctx); err != nil || found {
				if ignore {
					return ""
				}
				break
			}
		}
	}
	for _, source := range cfg.ConfigSources {
		if p, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if url, found, err := p.GetServiceBaseEndpoint(ctx, s.ID); err != nil || found {
				return url
			}
		}
	}
	return ""
}
