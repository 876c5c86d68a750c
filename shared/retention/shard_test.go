package retention_test

import (
	"testing"

	"stille/shared/retention"
)

func TestOnlyNamesOfShardsAreShards(t *testing.T) {
	for n := range retention.Shards {
		if name := retention.ShardName(n); !retention.IsShard(name) {
			t.Errorf("%s is none", name)
		}
	}
	for _, name := range []string{"", "0", "40", "ff", "3F", "000", "+1", "-1", "0x", "xx", " 1"} {
		if retention.IsShard(name) {
			t.Errorf("%q is one", name)
		}
	}
}
