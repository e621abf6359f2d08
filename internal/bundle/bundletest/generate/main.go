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
	large := bundletest.SignedIOS(id, "1.2.0", "42")
	large.Beside = []bundletest.File{bundletest.Padding(12 << 20)} // three parts of 5 MiB
	undecided := bundletest.SignedIOS(id, "1.2.0", "44")
	undecided.App().Info = undecided.App().Info.With("ITSAppUsesNonExemptEncryption", nil)
	development := bundletest.SignedIOS(id, "1.2.0", "45")
	signing := development.App().Program.Signing
	signing.By.Name = "Apple Development: Dana Doe (ABCDE12345)"
	signing.Entitlements = signing.Entitlements.With("get-task-allow", true)
	rebuilt := bundletest.SignedIOS(id, "1.2.0", "43") // another package with the numbers of Small.ipa
	rebuilt.App().Info = rebuilt.App().Info.With("CFBundleDisplayName", "Demo, built again")
	packages := map[string][]byte{
		"Demo.ipa":        large.IPA(),
		"Small.ipa":       bundletest.SignedIOS(id, "1.2.0", "43").IPA(),
		"Rebuilt.ipa":     rebuilt.IPA(),
		"Undecided.ipa":   undecided.IPA(),
		"Development.ipa": development.IPA(),
		"BadNumber.ipa":   bundletest.SignedIOS(id, "1.2.0", "4.5b6").IPA(),
		"Demo.pkg":        bundletest.SignedMac(id, "1.2.0", "42").PKG(),
	}
	for name, content := range packages {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
