package config

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/wabawatch/wabawatch/shared/awscall"
)

// systemsManager has Parameter Store.
var systemsManager = awscall.Service{
	ID: "SSM", Name: "ssm", ContentType: awscall.JSON11, Target: "AmazonSSM", Fault: awscall.JSONFault,
}

// A cold start that finds no secrets has failed, and many may begin at once: patience pays.
const (
	ssmTries = 4
	ssmWait  = 100 * time.Millisecond
)

// getParameters returns the decrypted values of those among names that exist, at most 10, in
// one call. Its errors hold no value.
//
// Source: AWS Systems Manager API reference, GetParameters, checked 2026-11.
func getParameters(ctx context.Context, cfg aws.Config, names []string) (map[string]string, error) {
	body, err := json.Marshal(map[string]any{"Names": names, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	client := awscall.New(cfg, systemsManager)
	client.Attempts, client.Wait = ssmTries, ssmWait
	values := make(map[string]string, len(names))
	err = client.Do(ctx, awscall.Request{Operation: "GetParameters", Body: body, Repeatable: true, Read: func(answer []byte) error {
		var out struct {
			Parameters []struct{ Name, Value string }
		}
		if json.Unmarshal(answer, &out) != nil {
			return errors.New("not JSON")
		}
		for _, p := range out.Parameters {
			values[p.Name] = p.Value
		}
		return nil
	}})
	return values, err
}
