// Command sbom writes on its output what Go programs were built from, as a
// CycloneDX bill of materials: each module once, and the standard library.
//
//	go run ./scripts/sbom dist/*/bootstrap
//
// The same programs give the same bytes: the bill has no time and no number.
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := write(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(out io.Writer, programs []string) error {
	if len(programs) == 0 {
		return errors.New("a program is needed: say go run ./scripts/sbom dist/*/bootstrap")
	}
	bill := cyclonedx.NewBOM()
	used := map[string]cyclonedx.Component{}
	for _, program := range programs {
		built, err := buildinfo.ReadFile(program)
		if err != nil {
			return fmt.Errorf("reading what a program was built from: %w", err)
		}
		bill.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
			BOMRef: built.Main.Path, Type: cyclonedx.ComponentTypeApplication, Name: built.Main.Path,
		}}
		library := &debug.Module{Path: "std", Version: strings.TrimPrefix(built.GoVersion, "go")}
		for _, module := range append(built.Deps, library) {
			if module.Replace != nil {
				module = module.Replace
			}
			part, err := component(module)
			if err != nil {
				return err
			}
			used[part.BOMRef] = part
		}
	}
	refs := slices.Sorted(maps.Keys(used))
	parts := make([]cyclonedx.Component, len(refs))
	for i, ref := range refs {
		parts[i] = used[ref]
	}
	bill.Components = &parts
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: bill.Metadata.Component.BOMRef, Dependencies: &refs}}
	return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bill, cyclonedx.SpecVersion1_6)
}

// component is a module with its package URL, which scanners look up.
func component(module *debug.Module) (cyclonedx.Component, error) {
	url := "pkg:golang/" + module.Path + "@" + module.Version
	part := cyclonedx.Component{BOMRef: url, Type: cyclonedx.ComponentTypeLibrary, Name: module.Path, Version: module.Version, PackageURL: url}
	if sum, found := strings.CutPrefix(module.Sum, "h1:"); found {
		digest, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return part, fmt.Errorf("reading the sum of %s: %w", module.Path, err)
		}
		part.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(digest)}}
	}
	return part, nil
}
