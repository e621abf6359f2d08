// Command generate writes the packages in testdata.
//
//	go generate ./internal/bundle/bundletest
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

func main() {
	const id = "com.example.demo"
	packages := map[string][]byte{
		// Three parts of 5 MiB.
		"Demo.ipa":      bundletest.IPA(bundletest.IOS(id, "1.2.0", "42"), bundletest.Padding(12<<20)),
		"Small.ipa":     bundletest.IPA(bundletest.IOS(id, "1.2.0", "43")),
		"Undecided.ipa": bundletest.IPA(bundletest.IOS(id, "1.2.0", "44").With("ITSAppUsesNonExemptEncryption", nil)),
		"BadNumber.ipa": bundletest.IPA(bundletest.IOS(id, "1.2.0", "4.5b6")),
		"Demo.pkg":      bundletest.PKG(bundletest.Mac(id, "1.2.0", "42")),
	}
	for name, content := range packages {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
