package sesmail_test

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

func ExampleSender_AddLink() {
	// What POST /v1/links answered for {"scope":"acme", …}.
	const answer = `{"results":[{"key":"…","url":"https://links.acme.example/e/AbsG2g","headers":{
		"List-Unsubscribe":"<https://links.acme.example/e/AbsG2g>",
		"List-Unsubscribe-Post":"List-Unsubscribe=One-Click"}}]}`
	var minted struct{ Results []client.Link }
	if err := json.Unmarshal([]byte(answer), &minted); err != nil {
		fmt.Println(err)
		return
	}

	message := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("news@acme.example"),
		Destination:      &types.Destination{ToAddresses: []string{"kari@example.no"}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("News of the spring")},
			Body:    &types.Body{Text: &types.Content{Data: aws.String("Hello Kari!")}},
		}},
	}
	sender := sesmail.Sender{Scope: "acme", ConfigurationSet: "stille"}
	if err := sender.AddLink(message, minted.Results[0]); err != nil {
		fmt.Println(err) // do not send
		return
	}
	// client.SendEmail(ctx, message) sends it.

	for _, header := range message.Content.Simple.Headers {
		fmt.Printf("%s: %s\n", *header.Name, *header.Value)
	}
	fmt.Println("sent with", *message.ConfigurationSetName, "for", *message.EmailTags[0].Value)
	// Output:
	// List-Unsubscribe: <https://links.acme.example/e/AbsG2g>
	// List-Unsubscribe-Post: List-Unsubscribe=One-Click
	// sent with stille for acme
}
