package bundle

import "strings"

// identityRules are about ids, versions and platforms.
func identityRules() []Rule {
	return []Rule{
		{
			ID: "version-format", Codes: []string{"90060", "90057"}, Severity: SeverityError, lax: true,
			Title:  "The version is one to three whole numbers separated by dots.",
			Remedy: "set MARKETING_VERSION to one to three whole numbers separated by dots, such as 1.4.2",
			check: func(c *checker) {
				if problem := versionProblem(c.info.ShortVersion); problem != "" {
					c.report(c.app().plistPath, c.info.ShortVersion, "the version (CFBundleShortVersionString) %s", problem)
				}
			},
		},
		{
			ID: "build-number-format", Codes: []string{"90058", "90056"}, Severity: SeverityError, lax: true,
			Title:  "The build number is one to three whole numbers separated by dots.",
			Remedy: "set CURRENT_PROJECT_VERSION to one to three whole numbers separated by dots, such as 42",
			check: func(c *checker) {
				if problem := versionProblem(c.info.BuildVersion); problem != "" {
					c.report(c.app().plistPath, c.info.BuildVersion, "the build number (CFBundleVersion) %s", problem)
				}
			},
		},
		{
			ID: "platform-unknown", Severity: SeverityError, lax: true,
			Title:  "The package says which platform it is for.",
			Remedy: "name it: --platform ios, macos, tvos or visionos",
			check: func(c *checker) {
				if c.info.Platform == "" {
					c.report(c.app().plistPath, "", "the package does not say which platform it is for (DTPlatformName and CFBundleSupportedPlatforms are missing)")
				}
			},
		},
		{
			ID: "bundle-id-format", Codes: []string{"90049"}, Severity: SeverityError, lax: true,
			Title:  "Bundle ids are letters, digits, hyphens and dots.",
			Remedy: "set PRODUCT_BUNDLE_IDENTIFIER to letters, digits, hyphens and dots, such as com.example.app",
			check: func(c *checker) {
				for _, b := range c.bundles(own()...) {
					if i := strings.IndexFunc(b.BundleID, badInBundleID); i >= 0 {
						c.report(b.plistPath, b.BundleID, "the bundle id %q holds %q", clip(b.BundleID), b.BundleID[i])
					}
				}
			},
		},
		{
			ID: "nested-id-prefix", Codes: []string{"90053"}, Severity: SeverityError,
			Title:  "The bundle id of an extension, app clip or watch app begins with that of the app it is in, and a dot.",
			Remedy: "set PRODUCT_BUNDLE_IDENTIFIER of the nested target to the parent's bundle id, a dot and a name",
			check: func(c *checker) {
				for _, b := range c.bundles(KindExtension, KindAppClip, KindWatchApp) {
					if parent, ok := c.parentApp(b); ok && b.BundleID != "" && !strings.HasPrefix(b.BundleID, parent.BundleID+".") {
						c.report(b.plistPath, b.BundleID, "the bundle id %s does not begin with %s., that of the app it is in", clip(b.BundleID), parent.BundleID)
					}
				}
			},
		},
		{
			ID: "nested-id-duplicate", Codes: []string{"90685"}, Severity: SeverityError,
			Title:  "No two bundles of an app have the same bundle id.",
			Remedy: "give each target a bundle id of its own, and embed each framework once",
			check: func(c *checker) {
				seen := map[string]string{}
				for _, b := range c.bundles() {
					if first, twice := seen[b.BundleID]; twice && b.BundleID != "" {
						c.report(b.plistPath, b.BundleID, "%s is the bundle id of %s as well", clip(b.BundleID), first)
					} else {
						seen[b.BundleID] = b.Path
					}
				}
			},
		},
		{
			ID: "nested-version-differs", Codes: []string{"90473"}, Severity: SeverityWarning,
			Title:  "Extensions, app clips and watch apps have the version and the build number of their app.",
			Remedy: "set MARKETING_VERSION and CURRENT_PROJECT_VERSION for all targets, for example in the project or an .xcconfig",
			check: func(c *checker) {
				for _, b := range c.bundles(KindExtension, KindAppClip, KindWatchApp) {
					if b.plistPath != "" && (b.ShortVersion != c.info.ShortVersion || b.BuildVersion != c.info.BuildVersion) {
						c.report(b.plistPath, b.ShortVersion+" ("+b.BuildVersion+")", "its version is %s (%s), that of the app %s (%s)", clip(b.ShortVersion), clip(b.BuildVersion), c.info.ShortVersion, c.info.BuildVersion)
					}
				}
			},
		},
		{
			ID: "watch-companion", Severity: SeverityError,
			Title:  "A watch app names the bundle id of the app it is in.",
			Remedy: "set WKCompanionAppBundleIdentifier in the watch app's Info.plist to the bundle id of the iOS app",
			check: func(c *checker) {
				for _, b := range c.bundles(KindWatchApp) {
					if named := string(b.list.CompanionApp); named != "" && named != c.info.BundleID {
						c.report(b.plistPath, named, "WKCompanionAppBundleIdentifier is %s, but the app is %s", clip(named), c.info.BundleID)
					}
				}
			},
		},
	}
}

func badInBundleID(r rune) bool {
	return !(r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

func (c *checker) app() Bundle { return c.info.app() }

// parentApp returns the nearest app around a bundle.
func (c *checker) parentApp(b Bundle) (Bundle, bool) {
	for i, ok := c.byPath[b.Parent]; ok; i, ok = c.byPath[c.info.Bundles[i].Parent] {
		switch outer := &c.info.Bundles[i]; outer.Kind {
		case KindApp, KindWatchApp, KindAppClip, KindHelper:
			return *outer, outer.BundleID != ""
		}
	}
	return Bundle{}, false
}
