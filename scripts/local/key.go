package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"stille/scripts/stackfile"
	"stille/shared/api/access"
	"stille/shared/aws/dynamo"
	"stille/shared/names"
	"stille/shared/scope"
)

// sampleKey returns the key of a tool with every right. The key in the stack file
// is kept as long as the stack knows it.
func (p Place) sampleKey(ctx context.Context, name names.Stack) (string, error) {
	tools := dynamo.NewTools(dynamo.NewClient(p.config()), name)
	if before, err := stackfile.Read(p.File); err == nil {
		_, err := tools.Tool(ctx, access.Hash(before.APIKey))
		if err == nil {
			return before.APIKey, nil
		}
		if !errors.Is(err, access.ErrUnknownTool) {
			return "", fmt.Errorf("looking for the sample tool: %w", err)
		}
	}
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		return "", err
	}
	err = tools.Put(ctx, hash, access.Tool{
		Name:      "sample",
		Rights:    access.Rights(),
		Scopes:    []scope.Scope{scope.Everywhere},
		CreatedAt: time.Now(),
	})
	if err != nil {
		return "", fmt.Errorf("adding the sample tool: %w", err)
	}
	return key, nil
}
