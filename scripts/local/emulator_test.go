//go:build stack

package local

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestPassingEmulatorLeavesNothing(t *testing.T) {
	place := passing(t)
	if err := place.startEmulator(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !emulator().healthy(t.Context(), place.Port) {
		t.Error("it does not answer")
	}
	running, _ := readProcess(place.path(processFile))
	if err := Down(place); err != nil {
		t.Fatal(err)
	}
	if running.runs() {
		t.Error("it still runs")
	}
	if _, err := os.Stat(place.Folder); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestLastingEmulatorKeepsItsDataAndStartsOnce(t *testing.T) {
	place := passing(t)
	place.Lasting = true
	t.Cleanup(func() { _ = place.stop(emulator()) })
	start := func() process {
		t.Helper()
		if err := place.startEmulator(t.Context()); err != nil {
			t.Fatal(err)
		}
		running, _ := readProcess(place.path(processFile))
		return running
	}

	first := start()
	_, err := place.objects().CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket:                    aws.String("kept"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := start(); again != first {
		t.Errorf("started a second one: %+v beside %+v", again, first)
	}
	if err := Down(place); err != nil {
		t.Fatal(err)
	}
	if second := start(); second == first {
		t.Error("it did not end")
	}
	if _, err := place.objects().HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("kept")}); err != nil {
		t.Errorf("the bucket is gone: %v", err)
	}
}

func TestAPortSomebodyElseHasIsRefused(t *testing.T) {
	place := passing(t)
	stranger, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(place.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := place.startEmulator(t.Context()); err == nil {
		t.Error("it started")
	}
	if _, err := os.Stat(place.path(processFile)); !os.IsNotExist(err) {
		t.Errorf("a process was recorded: %v", err)
	}
}

func passing(t *testing.T) Place {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	place, err := Passing(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place.Folder) })
	return place
}
