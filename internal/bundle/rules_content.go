package bundle

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// contentRules are about the keys of Info.plist, icons and privacy.
func contentRules() []Rule {
	return []Rule{
		{
			ID: "info-plist-damaged", Severity: SeverityError, lax: true,
			Title:  "Every nested bundle has an Info.plist that can be read.",
			Remedy: "build again; if a step of yours writes Info.plist, check what it writes (plutil -lint)",
			check: func(c *checker) {
				for _, b := range c.bundles() {
					switch {
					case b.plistProblem != nil:
						c.report(b.plistPath, "", "the Info.plist cannot be read: %v", b.plistProblem)
					case b.plistPath == "" && b.Kind != KindLibrary && c.info.Partial == "" && b.Executable != nil:
						c.report(b.Path, "", "%s has no Info.plist", b.Path)
					}
				}
			},
		},
		{
			ID: "info-key-missing", Severity: SeverityError,
			Title:  "Info.plist has the keys that every app needs.",
			Remedy: "add the key to Info.plist; Xcode does with GENERATE_INFOPLIST_FILE=YES",
			check: func(c *checker) {
				for _, b := range c.bundles(KindApp, KindExtension, KindAppClip, KindWatchApp) {
					keys := []string{"CFBundleExecutable", "CFBundlePackageType"}
					if c.info.Platform == IOS && b.Kind == KindApp {
						keys = append(keys, "UIDeviceFamily")
					}
					for _, key := range keys {
						if b.plistPath != "" && b.plistProblem == nil && !b.list.has(key) {
							c.report(b.plistPath, key, "the key %s is missing", key)
						}
					}
				}
			},
		},
		{
			ID: "usage-description-missing", Codes: []string{"90683"}, Severity: SeverityWarning,
			Title:  "Apps that link a framework for personal data have its usage description.",
			Remedy: "add the key to Info.plist with what the app does with the data, or stop linking the framework",
			check: func(c *checker) {
				for _, b := range c.programs(KindApp, KindAppClip) {
					for _, framework := range linked(b) {
						keys := usageDescriptions[framework]
						if len(keys) > 0 && c.mobile() && !slices.ContainsFunc(keys, b.list.has) {
							c.report(b.plistPath, keys[0], "the program links %s, but Info.plist has no %s", framework, strings.Join(keys, " or "))
						}
					}
				}
			},
		},
		{
			ID: "usage-description-empty", Codes: []string{"90683"}, Severity: SeverityError, lax: true,
			Title:  "Usage descriptions say something.",
			Remedy: "write what the app does with the data, in the user's words",
			check: func(c *checker) {
				for _, b := range c.bundles() {
					for _, key := range slices.Sorted(maps.Keys(b.list.keys)) {
						if strings.HasPrefix(key, "NS") && strings.HasSuffix(key, "UsageDescription") && b.list.keys[key] == "" {
							c.report(b.plistPath, key, "%s is empty", key)
						}
					}
				}
			},
		},
		{
			ID: "icon-missing", Codes: []string{"90713", "90022", "90023", "90032"}, Severity: SeverityError,
			Title:  "The app has an icon.",
			Remedy: "add an App Icon set to the asset catalogue and name it in ASSETCATALOG_COMPILER_APPICON_NAME",
			check: func(c *checker) {
				if app := c.app(); c.mobile() && len(app.Icons) == 0 && c.info.Partial == "" {
					c.report(app.plistPath, "", "the app names no icon that is there (CFBundleIcons, CFBundleIconName)")
				}
			},
		},
		{
			ID: "launch-screen-missing", Codes: []string{"90475"}, Severity: SeverityWarning,
			Title:  "The app has a launch screen.",
			Remedy: "add UILaunchScreen to Info.plist, or UILaunchStoryboardName with a storyboard",
			check: func(c *checker) {
				if app := c.app(); c.info.Platform == IOS && app.LaunchScreen == "" {
					c.report(app.plistPath, "", "Info.plist has neither UILaunchScreen nor UILaunchStoryboardName")
				}
			},
		},
		{
			ID: "privacy-manifest-missing", Codes: []string{"91061"}, Severity: SeverityWarning,
			Title:  "Third-party SDKs of Apple's list bring a privacy manifest.",
			Remedy: "update the SDK to a version with a PrivacyInfo.xcprivacy",
			check: func(c *checker) {
				for _, b := range c.bundles(KindFramework) {
					if name := strings.TrimSuffix(path.Base(b.Path), ".framework"); slices.Contains(listedSDKs, name) && !b.PrivacyManifest && c.info.Partial == "" {
						c.report(b.Path, name, "%s is on Apple's list of SDKs, but has no %s", name, privacyManifest)
					}
				}
			},
		},
		{
			ID: "privacy-manifest-invalid", Codes: []string{"91056", "91053"}, Severity: SeverityWarning, lax: true,
			Title:  "Privacy manifests can be read, and give a reason for each API.",
			Remedy: "mend the file (plutil -lint); each NSPrivacyAccessedAPIType needs NSPrivacyAccessedAPITypeReasons",
			check: func(c *checker) {
				for _, o := range c.info.Oddities {
					if o.Rule == c.rule.ID {
						c.report(o.Path, o.Value, "the privacy manifest is not valid: %s", o.Value)
					}
				}
			},
		},
		{
			ID: "export-compliance-undecided", Codes: []string{"90592"}, Severity: SeverityInfo, lax: true,
			Title:  "The app says whether it uses non-exempt encryption.",
			Remedy: "set ITSAppUsesNonExemptEncryption in Info.plist, or answer with --uses-non-exempt-encryption",
			check: func(c *checker) {
				if c.info.UsesNonExemptEncryption == nil {
					c.report(c.app().plistPath, "", "the app does not say whether it uses non-exempt encryption (ITSAppUsesNonExemptEncryption), so the build will wait for an answer before it can be tested")
				}
			},
		},
	}
}

// usageDescriptions has, for frameworks that are of no use without asking, the
// keys of which one has to be there. Linking is a sign, not a proof: the store
// looks at what is called.
var usageDescriptions = map[string][]string{
	"AppTrackingTransparency": {"NSUserTrackingUsageDescription"},
	"Contacts":                {"NSContactsUsageDescription"},
	"CoreBluetooth":           {"NSBluetoothAlwaysUsageDescription"},
	"CoreLocation":            {"NSLocationWhenInUseUsageDescription", "NSLocationAlwaysAndWhenInUseUsageDescription"},
	"CoreMotion":              {"NSMotionUsageDescription"},
	"CoreNFC":                 {"NFCReaderUsageDescription"},
	"EventKit":                {"NSCalendarsFullAccessUsageDescription", "NSCalendarsWriteOnlyAccessUsageDescription", "NSCalendarsUsageDescription", "NSRemindersFullAccessUsageDescription", "NSRemindersUsageDescription"},
	"HealthKit":               {"NSHealthShareUsageDescription", "NSHealthUpdateUsageDescription"},
	"HomeKit":                 {"NSHomeKitUsageDescription"},
	"LocalAuthentication":     {"NSFaceIDUsageDescription"},
	"NearbyInteraction":       {"NSNearbyInteractionUsageDescription"},
	"Photos":                  {"NSPhotoLibraryUsageDescription", "NSPhotoLibraryAddUsageDescription"},
	"Speech":                  {"NSSpeechRecognitionUsageDescription"},
}

// linked returns the names of the system's frameworks that a program links.
func linked(b Bundle) []string {
	var names []string
	for _, s := range b.Executable.Slices {
		for _, library := range s.Libraries {
			if rest, ok := strings.CutPrefix(library, "/System/Library/Frameworks/"); ok {
				name, _, _ := strings.Cut(rest, ".framework/")
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
