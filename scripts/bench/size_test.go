package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// largest is the most megabytes of a function's binary: a container must load
// the binary before it starts.
const largest = 20

// BenchmarkSize builds the functions for both processors of Lambda. It fails if
// a binary is too large.
func BenchmarkSize(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		for _, arch := range []string{"amd64", "arm64"} {
			folder := b.TempDir()
			build := exec.CommandContext(b.Context(), "../build", "linux", arch, "scripts/local", folder)
			if output, err := build.CombinedOutput(); err != nil {
				b.Fatalf("building the functions for %s: %v\n%s", arch, err, output)
			}
			binaries, err := filepath.Glob(filepath.Join(folder, "*/bootstrap"))
			if err != nil || len(binaries) == 0 {
				b.Fatalf("%d binaries for %s, error %v", len(binaries), arch, err)
			}
			for _, binary := range binaries {
				info, err := os.Stat(binary)
				if err != nil {
					b.Fatal(err)
				}
				name, megabytes := filepath.Base(filepath.Dir(binary)), float64(info.Size())/1e6
				b.ReportMetric(megabytes, "Size/"+name+"/"+arch+"-ours-MB")
				b.ReportMetric(largest, "Size/"+name+"/"+arch+"-raw-MB")
				if megabytes > largest {
					b.Errorf("%s for %s is larger than %d MB", name, arch, largest)
				}
			}
		}
	})
}
