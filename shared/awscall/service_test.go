package awscall

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// TestEndpointsAreThoseOfTheSDK asks the SDK's clients where they would send to.
func TestEndpointsAreThoseOfTheSDK(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "us-west-2", "ca-west-1", "sa-east-1", "eu-west-1", "eu-central-2", "ap-southeast-7", "me-central-1", "af-south-1", "il-central-1", "mx-central-1",
		"cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
	} {
		ctx := context.Background()
		theirs := map[string]string{}
		d, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, dynamodb.EndpointParameters{Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		theirs["dynamodb"] = d.URI.String()
		n, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sns.EndpointParameters{Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		theirs["sns"] = n.URI.String()
		s, err := ssm.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, ssm.EndpointParameters{Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
		if err != nil {
			t.Fatal(err)
		}
		theirs["ssm"] = s.URI.String()
		for name, want := range theirs {
			if got := endpoint(aws.Config{Region: region}, Service{Name: name}); got != want+"/" {
				t.Errorf("%s in %s is at %s, want %s", name, region, got, want)
			}
		}
	}
}

// source is a setting of endpoints by service.
type source map[string]string

func (s source) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	return s[id], s[id] != "", nil
}

// ignore tells to ignore such settings, or not to.
type ignore bool

func (i ignore) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return bool(i), true, nil
}

func TestEndpointSettings(t *testing.T) {
	one, all := source{"Ledger": "http://127.0.0.1:1"}, aws.String("http://127.0.0.1:2/")
	for name, tc := range map[string]struct {
		cfg  aws.Config
		want string
	}{
		"its own":                {aws.Config{Region: "eu-west-1"}, "https://ledger.eu-west-1.amazonaws.com/"},
		"of this service":        {aws.Config{Region: "eu-west-1", ConfigSources: []any{1, one}}, "http://127.0.0.1:1/"},
		"of another":             {aws.Config{Region: "eu-west-1", ConfigSources: []any{source{"SNS": "http://127.0.0.1:1"}}}, "https://ledger.eu-west-1.amazonaws.com/"},
		"of all":                 {aws.Config{Region: "eu-west-1", BaseEndpoint: all}, "http://127.0.0.1:2/"},
		"ignored":                {aws.Config{Region: "eu-west-1", ConfigSources: []any{one, ignore(true)}}, "https://ledger.eu-west-1.amazonaws.com/"},
		"not ignored":            {aws.Config{Region: "eu-west-1", ConfigSources: []any{ignore(false), one, ignore(true)}}, "http://127.0.0.1:1/"},
		"the first of several":   {aws.Config{Region: "eu-west-1", ConfigSources: []any{one, source{"Ledger": "http://127.0.0.1:3"}}}, "http://127.0.0.1:1/"},
		"the service's own wins": {aws.Config{Region: "eu-west-1", BaseEndpoint: all, ConfigSources: []any{one}}, "http://127.0.0.1:1/"},
	} {
		if got := endpoint(tc.cfg, ledger); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
