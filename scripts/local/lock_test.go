package local

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestATemplateSaysWhichBucketsAreLocked(t *testing.T) {
	var got template
	err := json.Unmarshal([]byte(`{"Resources": {
		"evidence": {"Type": "AWS::S3::Bucket", "Properties": {"ObjectLockConfiguration": {
			"ObjectLockEnabled": "Enabled",
			"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1830}}}}},
		"manifests": {"Type": "AWS::S3::Bucket"}
	}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Resources["manifests"].Properties.ObjectLockConfiguration != nil {
		t.Error("a bucket without Object Lock would be locked")
	}
	lock := got.Resources["evidence"].Properties.ObjectLockConfiguration
	if lock == nil {
		t.Fatal("a bucket with Object Lock would not be locked")
	}
	retention := lock.Rule.DefaultRetention
	if retention.Mode != types.ObjectLockRetentionModeCompliance || retention.Days == nil || *retention.Days != 1830 {
		t.Errorf("it would be locked for %+v", retention)
	}
}
