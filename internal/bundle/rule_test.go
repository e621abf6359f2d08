package bundle_test

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

// today is a day on which the clean packages are clean.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A breach is a package that breaks a rule, made from a clean one.
type breach struct {
	// ios or mac changes a clean package. raw makes one from nothing.
	ios, mac func(*bundletest.Package)
	raw      []byte
	// at is the end of the path that has to be found, value the value.
	at, value string
	// also are rules that are broken with it.
	also []string
	// now is today if it is zero.
	now time.Time
}

func set(key string, value any) func(*bundletest.Package) {
	return func(p *bundletest.Package) { p.App().Info = p.App().Info.With(key, value) }
}

// share changes the Info.plist of the extension.
func share(key string, value any) func(*bundletest.Package) {
	return func(p *bundletest.Package) {
		b := p.Bundle("PlugIns/Share.appex")
		b.Info = b.Info.With(key, value)
	}
}

func add(files ...bundletest.File) func(*bundletest.Package) {
	return func(p *bundletest.Package) { p.App().Files = append(p.App().Files, files...) }
}

// profile changes the app's profile; entitlement one of its entitlements.
func profile(key string, value any) func(*bundletest.Package) {
	return func(p *bundletest.Package) { p.App().Profile = p.App().Profile.With(key, value) }
}

func entitlement(key string, value any) func(*bundletest.Package) {
	return func(p *bundletest.Package) {
		s := p.App().Program.Signing
		s.Entitlements = s.Entitlements.With(key, value)
	}
}

func signedBy(name string, expires time.Time) func(*bundletest.Package) {
	return func(p *bundletest.Package) {
		p.App().Program.Signing.By = bundletest.Identity{Name: name, Team: bundletest.Team, Expires: expires}
	}
}

func debugProfile(p *bundletest.Package) {
	list := bundletest.StoreProfile("com.example.demo")
	granted := maps.Clone(list["Entitlements"].(map[string]any))
	granted["get-task-allow"] = true
	p.App().Profile = list.With("Entitlements", granted).With("ProvisionedDevices", []string{"00008030-1"})
}

func nest(b *bundletest.Bundle) func(*bundletest.Package) {
	return func(p *bundletest.Package) { p.Bundles = append(p.Bundles, b) }
}

func framework(path, id string) *bundletest.Bundle {
	b := *bundletest.SignedIOS("com.example.demo", "1.0", "7").Bundle("Frameworks/Kit.framework")
	name := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".framework")
	b.Path, b.Info = path, b.Info.With("CFBundleIdentifier", id).With("CFBundleExecutable", name)
	return &b
}

func watchApp(p *bundletest.Package) {
	info := bundletest.IOS("com.example.demo.watch", "1.0", "7").With("WKCompanionAppBundleIdentifier", "com.example.other").With("CFBundleExecutable", "Watch")
	program := *p.App().Program
	program.Signing = &bundletest.Signing{Identifier: "com.example.demo.watch", Team: bundletest.Team, By: bundletest.DistributionIdentity()}
	p.Bundles = append(p.Bundles, &bundletest.Bundle{Path: "Watch/Watch.app", Info: info, Program: &program, Profile: bundletest.StoreProfile("com.example.demo.watch")})
}

var far = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)

// breaches has packages for every rule that a package can break.
var breaches = map[string][]breach{
	"version-format": {{ios: func(p *bundletest.Package) {
		set("CFBundleShortVersionString", "1.0b1")(p)
		share("CFBundleShortVersionString", "1.0b1")(p)
	}, at: "Info.plist", value: "1.0b1"}},
	"build-number-format": {{ios: func(p *bundletest.Package) {
		set("CFBundleVersion", "1.2.3.4")(p)
		share("CFBundleVersion", "1.2.3.4")(p)
	}, value: "1.2.3.4"}},
	"platform-unknown":       {{raw: bundletest.IPA(bundletest.IOS("com.example.demo", "1.0", "7").With("DTPlatformName", nil).With("CFBundleSupportedPlatforms", nil)), also: []string{"program-missing"}}},
	"bundle-id-format":       {{ios: share("CFBundleIdentifier", "com.example.demo.Sha_re"), value: "com.example.demo.Sha_re", also: []string{"application-identifier"}}},
	"nested-id-prefix":       {{ios: share("CFBundleIdentifier", "com.other.Share"), at: "Share.appex/Info.plist", value: "com.other.Share", also: []string{"application-identifier"}}},
	"nested-id-duplicate":    {{ios: nest(framework("Frameworks/More.framework", "com.example.demo.Kit")), at: "More.framework/Info.plist"}},
	"nested-version-differs": {{ios: share("CFBundleVersion", "6"), at: "Share.appex/Info.plist", value: "1.0 (6)"}},
	"watch-companion":        {{ios: watchApp, at: "Watch.app/Info.plist", value: "com.example.other"}},

	"package-layout":        {{raw: bundletest.Zip(bundletest.File{Name: "Demo/Payload/Demo.app/Info.plist", Content: bundletest.IOS("com.example.demo", "1.0", "7").Encode(bundletest.XML)}), at: "Demo", also: []string{"program-missing"}}},
	"package-clutter":       {{ios: add(bundletest.File{Name: ".DS_Store"}), at: ".DS_Store"}, {ios: func(p *bundletest.Package) { p.Beside = []bundletest.File{{Name: "__MACOSX/._Demo"}} }, at: "__MACOSX"}},
	"package-partial":       {{ios: manyBundles}},
	"file-name":             {{ios: add(bundletest.File{Name: "a\x01b"})}, {ios: add(bundletest.File{Name: `a\b`}), at: `a\b`}, {ios: add(bundletest.File{Name: "a\xff"})}},
	"symlink-outside":       {{ios: add(bundletest.File{Name: "out", Content: []byte("../../etc"), Mode: fs.ModeSymlink | 0o777}), at: "Demo.app/out", value: "it leads to ../../etc"}, {mac: add(bundletest.File{Name: "Contents/Resources/out", Content: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777})}},
	"static-library":        {{ios: add(bundletest.File{Name: "libx.a"}), at: "libx.a"}, {ios: add(bundletest.File{Name: "x.o"})}},
	"development-files":     {{ios: add(bundletest.File{Name: "Frameworks/Kit.framework/Headers/Kit.h"}), at: "Kit.h"}},
	"disallowed-frameworks": {{ios: nest(framework("PlugIns/Share.appex/Frameworks/Inner.framework", "com.example.demo.Inner")), at: "Inner.framework"}},
	"nested-in-framework":   {{ios: nest(framework("Frameworks/Kit.framework/Frameworks/Inner.framework", "com.example.demo.Inner")), at: "Inner.framework"}},
	"app-size": {{ios: func(p *bundletest.Package) {
		watchApp(p)
		w := p.Bundle("Watch/Watch.app")
		w.Info = w.Info.With("WKCompanionAppBundleIdentifier", nil)
		w.Files = []bundletest.File{{Name: "big", Content: make([]byte, 76e6)}}
	}, at: "Watch.app"}},

	"program-missing":    {{raw: bundletest.IPA(bundletest.IOS("com.example.demo", "1.0", "7"))}},
	"executable-missing": {{ios: func(p *bundletest.Package) { p.App().Program = nil }, at: "Demo.app/Demo"}},
	"executable-damaged": {{ios: func(p *bundletest.Package) { p.App().Executable = []byte("#!/bin/sh\n") }, at: "Demo.app/Demo"}, {ios: func(p *bundletest.Package) { p.App().Executable = p.App().Program.Encode()[:100] }}},
	"executable-mode":    {{ios: func(p *bundletest.Package) { p.App().Mode = 0o644 }, at: "Demo.app/Demo"}},
	"simulator-program":  {{ios: func(p *bundletest.Package) { p.App().Program.Platform = bundletest.MachOIOSSimulator }, at: "Demo.app/Demo", value: "iOS simulator"}},
	"architecture": {{ios: func(p *bundletest.Package) {
		other := *p.App().Program
		other.CPU = "x86_64"
		p.App().Executable = bundletest.Universal(*p.App().Program, other)
	}, value: "x86_64"}},
	"arm64-missing":      {{ios: func(p *bundletest.Package) { p.App().Program.CPU = "armv7" }, value: "armv7"}},
	"program-encrypted":  {{ios: func(p *bundletest.Package) { p.App().Program.Encrypted = true }}},
	"minimum-os-missing": {{ios: set("MinimumOSVersion", nil), at: "Demo.app/Info.plist"}, {ios: set("MinimumOSVersion", "16.x"), value: "16.x"}},
	"minimum-os-differs": {{ios: set("MinimumOSVersion", "15.0"), at: "Demo.app/Demo", value: "16.0"}},
	"sdk-too-old":        {{ios: func(p *bundletest.Package) { p.App().Program.SDK = "18.5" }, value: "iOS 18.5"}, {ios: func(p *bundletest.Package) { p.App().Program.SDK = "17.5" }, now: time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC), value: "iOS 17.5"}},
	"swift-support":      {{ios: add(bundletest.File{Name: "Frameworks/libswiftCore.dylib", Content: framework("x/Kit.framework", "x").Program.Encode(), Mode: 0o755}), at: "libswiftCore.dylib"}},

	"profile-missing": {{ios: func(p *bundletest.Package) { p.App().Profile = nil }, at: "Demo.app"}},
	"profile-damaged": {{ios: func(p *bundletest.Package) {
		p.App().Profile = nil
		add(bundletest.File{Name: "embedded.mobileprovision", Content: []byte("nonsense")})(p)
	}, at: "embedded.mobileprovision"}},
	"profile-development": {{ios: debugProfile, at: "embedded.mobileprovision", value: "Demo App Store"}},
	"profile-ad-hoc":      {{ios: profile("ProvisionedDevices", []string{"00008030-1"})}},
	"profile-enterprise":  {{ios: profile("ProvisionsAllDevices", true)}},
	"profile-developer-id": {{mac: func(p *bundletest.Package) {
		p.App().Profile = bundletest.Plist{"Name": "ID", "ProvisionsAllDevices": true, "ExpirationDate": far, "Entitlements": map[string]any{"com.apple.application-identifier": bundletest.Team + ".com.example.demo"}}
	}}},
	"profile-expired":        {{ios: profile("ExpirationDate", today.AddDate(0, 0, -1)), value: "2026-11-22"}},
	"signature-missing":      {{ios: func(p *bundletest.Package) { p.App().Program.Signing = nil }, at: "Demo.app/Demo"}, {ios: func(p *bundletest.Package) { p.App().Program.Signing.AdHoc = true }, value: "ad hoc"}},
	"hashes-missing":         {{ios: func(p *bundletest.Package) { p.App().Unsealed = true }, at: "Demo.app"}},
	"certificate-kind":       {{ios: signedBy("Apple Development: Dana (X)", far), value: "Apple Development: Dana (X)"}, {ios: signedBy("iPhone Developer: Dana (X)", far)}, {mac: signedBy("Developer ID Application: Dana (X)", far)}},
	"certificate-expired":    {{ios: signedBy("Apple Distribution: Example", today.AddDate(0, 0, -1)), value: "2026-11-22"}},
	"get-task-allow":         {{ios: func(p *bundletest.Package) { entitlement("get-task-allow", true)(p) }, value: "get-task-allow"}},
	"team-differs":           {{ios: func(p *bundletest.Package) { p.Bundle("Frameworks/Kit.framework").Program.Signing.Team = "ZZZZZ12345" }, at: "Kit.framework/Kit", value: "ZZZZZ12345"}, {ios: profile("TeamIdentifier", []string{"ZZZZZ12345"})}},
	"application-identifier": {{ios: entitlement("application-identifier", bundletest.Team+".com.example.other"), value: bundletest.Team + ".com.example.other", also: []string{"entitlements"}}},
	"entitlements":           {{ios: entitlement("com.apple.developer.healthkit", true), value: "com.apple.developer.healthkit"}, {ios: entitlement("keychain-access-groups", []string{"OTHER.group"}), value: "keychain-access-groups=OTHER.group"}, {ios: entitlement("aps-environment", "production"), value: "aps-environment"}},

	"info-plist-damaged": {{ios: func(p *bundletest.Package) { p.Bundle("Frameworks/Kit.framework").Info = nil }, at: "Kit.framework"}, {ios: func(p *bundletest.Package) {
		nest(&bundletest.Bundle{Path: "Frameworks/Bad.framework", Program: p.Bundle("Frameworks/Kit.framework").Program, Files: []bundletest.File{{Name: "Info.plist", Content: []byte("<plist><dict>")}}})(p)
	}, at: "Bad.framework/Info.plist"}},
	"info-key-missing":        {{ios: set("UIDeviceFamily", nil), at: "Demo.app/Info.plist", value: "UIDeviceFamily"}, {ios: share("CFBundlePackageType", nil), value: "CFBundlePackageType"}},
	"usage-description-empty": {{ios: set("NSCameraUsageDescription", " "), value: "NSCameraUsageDescription"}},
	"usage-description-missing": {{ios: func(p *bundletest.Package) {
		p.App().Program.Libraries = []string{"/System/Library/Frameworks/CoreLocation.framework/CoreLocation"}
	}, value: "NSLocationWhenInUseUsageDescription"}},
	"icon-missing":                {{ios: set("CFBundleIcons", nil), at: "Info.plist"}},
	"launch-screen-missing":       {{ios: set("UILaunchScreen", nil)}},
	"privacy-manifest-missing":    {{ios: nest(framework("Frameworks/Alamofire.framework", "org.alamofire.Alamofire")), at: "Alamofire.framework", value: "Alamofire"}},
	"privacy-manifest-invalid":    {{ios: add(bundletest.File{Name: "PrivacyInfo.xcprivacy", Content: bundletest.Plist{"NSPrivacyAccessedAPITypes": []any{map[string]any{"NSPrivacyAccessedAPIType": "NSPrivacyAccessedAPICategoryUserDefaults"}}}.Encode(bundletest.XML)}), at: "PrivacyInfo.xcprivacy"}, {ios: add(bundletest.File{Name: "PrivacyInfo.xcprivacy", Content: []byte("<plist>")})}},
	"export-compliance-undecided": {{ios: set("ITSAppUsesNonExemptEncryption", nil)}},

	"mac-not-sandboxed":    {{mac: entitlement("com.apple.security.app-sandbox", nil), at: "MacOS/Demo"}},
	"mac-category-missing": {{mac: set("LSApplicationCategoryType", nil), at: "Contents/Info.plist"}},
	"mac-icon-missing":     {{mac: set("CFBundleIconFile", nil)}},
	"installer-unsigned": {{mac: func(p *bundletest.Package) { p.Installer = nil }}, {mac: func(p *bundletest.Package) {
		p.Installer = &bundletest.Identity{Name: "Developer ID Installer: X", Expires: far}
	}, value: "Developer ID Installer: X"}},
	"installer-certificate-expired": {{mac: func(p *bundletest.Package) { p.Installer.Expires = today.AddDate(0, 0, -1) }}},
}

// manyBundles nests more bundles than are looked at.
func manyBundles(p *bundletest.Package) {
	for i := range 600 {
		name := "Frameworks/F" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ".framework"
		add(bundletest.File{Name: name + "/x"})(p)
	}
}

// examine inspects a package and returns the rules that it breaks.
func examine(t *testing.T, content []byte, now time.Time) ([]bundle.Finding, []string) {
	t.Helper()
	info, err := bundle.Inspect("Demo", bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	findings := bundle.Preflight(info, now)
	var rules []string
	for _, f := range findings {
		rules = append(rules, f.Rule)
	}
	slices.Sort(rules)
	return findings, slices.Compact(rules)
}

func TestCleanPackagesHaveNoFindings(t *testing.T) {
	for name, content := range map[string][]byte{
		"an iOS app": bundletest.SignedIOS("com.example.demo", "1.0", "7").IPA(),
		"a Mac app":  bundletest.SignedMac("com.example.demo", "1.0", "7").PKG(),
	} {
		if findings, _ := examine(t, content, today); len(findings) != 0 {
			t.Errorf("%s: %+v", name, findings)
		}
	}
}

func TestEveryRuleHasAPackageThatBreaksIt(t *testing.T) {
	for _, rule := range bundle.Rules() {
		if rule.Online {
			continue
		}
		if len(breaches[rule.ID]) == 0 {
			t.Errorf("there is no package that breaks %s", rule.ID)
		}
		for _, b := range breaches[rule.ID] {
			t.Run(rule.ID, func(t *testing.T) { b.check(t, rule) })
		}
	}
	for id := range breaches {
		if _, ok := bundle.RuleByID(id); !ok {
			t.Errorf("there is no rule %s", id)
		}
	}
}

func (b breach) check(t *testing.T, rule bundle.Rule) {
	content, now := b.raw, b.now
	if now.IsZero() {
		now = today
	}
	switch {
	case b.ios != nil:
		p := bundletest.SignedIOS("com.example.demo", "1.0", "7")
		b.ios(p)
		content = p.IPA()
	case b.mac != nil:
		p := bundletest.SignedMac("com.example.demo", "1.0", "7")
		b.mac(p)
		content = p.PKG()
	}
	findings, rules := examine(t, content, now)
	want := append([]string{rule.ID}, b.also...)
	slices.Sort(want)
	if !slices.Equal(rules, want) {
		t.Errorf("it breaks %v, want %v: %+v", rules, want, findings)
	}
	for _, f := range findings {
		if f.Rule != rule.ID {
			continue
		}
		if f.Severity != rule.Severity || f.Remedy == "" || f.Message == "" || !slices.Equal(f.Codes, rule.Codes) || !strings.HasSuffix(f.Path, b.at) || b.value != "" && f.Value != b.value {
			t.Errorf("%+v, want it at %s with the value %q", f, b.at, b.value)
		}
	}
}

func TestRulesAreFoundByAppleCodes(t *testing.T) {
	for code, want := range map[string]string{"90161": "profile-damaged", "ITMS-90683": "usage-description-missing", "90189": "build-number-used", "90725": "sdk-too-old"} {
		if rule, ok := bundle.RuleByCode(code); !ok || rule.ID != want {
			t.Errorf("%s: %s, want %s", code, rule.ID, want)
		}
	}
	if _, ok := bundle.RuleByCode("12345"); ok {
		t.Error("a code that is nobody's was found")
	}
}

func TestRulesAreWrittenDownOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range bundle.Rules() {
		if seen[rule.ID] || rule.Title == "" || rule.Remedy == "" || rule.Codes == nil || !strings.HasSuffix(rule.Title, ".") || strings.HasSuffix(rule.Remedy, ".") {
			t.Errorf("%+v", rule)
		}
		seen[rule.ID] = true
	}
}
