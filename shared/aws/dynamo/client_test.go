package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/aws/dynamo"
)

// Sixteen writers of a call and sixteen transactions of an import, run at once.
func TestConnectionsInUseStayOpen(t *testing.T) {
	own := awshttp.NewBuildableClient()
	for name, client := range map[string]*dynamodb.Client{
		"with the function's HTTP client": dynamo.NewClient(aws.Config{HTTPClient: own}),
		"with the SDK's":                  dynamo.NewClient(aws.Config{}),
	} {
		used, ok := client.Options().HTTPClient.(*awshttp.BuildableClient)
		if !ok || used.GetTransport().MaxIdleConnsPerHost < 16 {
			t.Errorf("%s: another client, or connections are closed", name)
		}
	}
	if own.GetTransport().MaxIdleConnsPerHost >= 16 {
		t.Error("the clients of other services are changed too")
	}
}
