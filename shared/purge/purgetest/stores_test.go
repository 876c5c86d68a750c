package purgetest_test

import (
	"testing"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

func TestTheStoresKeepTheirPromises(t *testing.T) {
	purgetest.TestStores(t, func(t *testing.T) purgetest.Stores { return engine.New(t, retention.Messaging) })
}
