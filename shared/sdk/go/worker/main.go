// Command worker is an example of a Lambda function that sends what lies in an
// SQS queue. A message of the queue is an SES v2 SendEmail request to one
// recipient, as JSON. Build worker as bootstrap for provided.al2023, let the
// queue's mapping report batch item failures, and give the queue a dead-letter
// queue.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

func main() {
	h, err := wire(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
	lambda.Start(h.take)
}

// wire reads the environment. A function that cannot ask does not start.
func wire(ctx context.Context) (handler, error) {
	var missing []string
	read := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			missing = append(missing, name)
		}
		return value
	}
	api, key, scope, set := read("STILLE_API"), read("STILLE_KEY"), read("STILLE_SCOPE"), read("STILLE_CONFIGURATION_SET")
	if len(missing) > 0 {
		return handler{}, fmt.Errorf("the environment lacks %s", strings.Join(missing, ", "))
	}
	asked, err := client.New(api, key)
	if err != nil {
		return handler{}, err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return handler{}, fmt.Errorf("reading the AWS environment: %w", err)
	}
	return handler{
		sender: sesmail.Sender{API: asked, SES: sesv2.NewFromConfig(account), Scope: scope, ConfigurationSet: set},
		log:    slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}, nil
}
