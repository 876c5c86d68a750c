package dynamo_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	endpoints "github.com/aws/smithy-go/endpoints"

	"stille/shared/aws/dynamo"
)

// rules are the SDK's rules for an endpoint. The first answer is an error.
type rules struct{ asked int }

var errRules = errors.New("no endpoint")

func (r *rules) ResolveEndpoint(context.Context, dynamodb.EndpointParameters) (endpoints.Endpoint, error) {
	if r.asked++; r.asked == 1 {
		return endpoints.Endpoint{}, errRules
	}
	return endpoints.Endpoint{}, nil
}

func TestEndpointIsFoundOnce(t *testing.T) {
	asked := &rules{}
	o := dynamodb.Options{EndpointResolverV2: asked}
	dynamo.Endpoint(&o)
	for n, want := range []error{errRules, nil, nil, nil} {
		if _, err := o.EndpointResolverV2.ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{}); !errors.Is(err, want) {
			t.Errorf("call %d: error %v", n, err)
		}
	}
	if asked.asked != 2 {
		t.Errorf("the rules were asked %d times, want an error and an endpoint", asked.asked)
	}
}
