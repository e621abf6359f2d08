package bundle

// layoutRules are about files, where they lie and how large they are.
func layoutRules() []Rule {
	// odd makes the check of a rule about single files.
	odd := func(format string) func(*checker) {
		return func(c *checker) {
			for _, o := range c.info.Oddities {
				if o.Rule == c.rule.ID {
					c.report(o.Path, o.Value, format, o.Value)
				}
			}
		}
	}
	return []Rule{
		{
			ID: "package-layout", Severity: SeverityWarning, lax: true,
			Title:  "The package is laid out as Xcode exports it.",
			Remedy: "use the package that xcodebuild -exportArchive makes, unchanged",
			check:  odd("the package was packed by hand: %s"),
		},
		{
			ID: "package-clutter", Severity: SeverityInfo, lax: true,
			Title:  "The package holds nothing that the Finder left there.",
			Remedy: "use the package that xcodebuild -exportArchive makes, unchanged",
			check:  odd("the package holds %s"),
		},
		{
			ID: "package-partial", Severity: SeverityInfo, lax: true,
			Title:  "All of the package could be looked at.",
			Remedy: "nothing is wrong: what was not looked at is checked by Apple alone",
			check: func(c *checker) {
				if c.info.Partial != "" {
					c.report(c.info.App, "", "not all of the package was looked at: %s", c.info.Partial)
				}
			},
		},
		{
			ID: "file-name", Severity: SeverityError, lax: true,
			Title:  "File names are UTF-8 without control characters and backslashes.",
			Remedy: "rename the file and build again",
			check:  odd("%s"),
		},
		{
			ID: "symlink-outside", Codes: []string{"90048"}, Severity: SeverityError, lax: true,
			Title:  "Symbolic links stay inside the app.",
			Remedy: "copy the file into the app instead of linking it (Build Phases, Copy Files)",
			check:  odd("the symbolic link leaves the app: %s"),
		},
		{
			ID: "static-library", Codes: []string{"90171"}, Severity: SeverityError,
			Title:  "The app holds no static libraries or object files.",
			Remedy: "remove the file from Copy Bundle Resources: it is linked into the program already",
			check:  odd("the app holds %s"),
		},
		{
			ID: "development-files", Severity: SeverityWarning,
			Title:  "The app holds no headers and module maps.",
			Remedy: "remove the files from Copy Bundle Resources; embed frameworks with Embed & Sign, which leaves their headers out",
			check:  odd("the app holds %s"),
		},
		{
			ID: "disallowed-frameworks", Codes: []string{"90206"}, Severity: SeverityError,
			Title:  "Extensions hold no frameworks of their own.",
			Remedy: "set ALWAYS_EMBED_SWIFT_STANDARD_LIBRARIES=NO for the extension and embed its frameworks in the app",
			check: func(c *checker) {
				for _, b := range c.bundles(KindFramework, KindLibrary) {
					if parent, ok := c.parent(b); c.mobile() && ok && parent.Kind == KindExtension && parent.ExtensionPoint != "com.apple.watchkit" {
						c.report(b.Path, b.BundleID, "the extension %s holds the framework or library %s", parent.Path, b.Path)
					}
				}
			},
		},
		{
			ID: "nested-in-framework", Codes: []string{"90205"}, Severity: SeverityError,
			Title:  "Frameworks hold no other bundles.",
			Remedy: "embed the inner framework in the app itself, beside the outer one",
			check: func(c *checker) {
				for _, b := range c.bundles(KindFramework, KindExtension, KindApp, KindHelper) {
					if parent, ok := c.parent(b); c.mobile() && ok && parent.Kind == KindFramework {
						c.report(b.Path, b.BundleID, "%s lies inside the framework %s", b.Path, parent.Path)
					}
				}
			},
		},
		{
			ID: "app-size", Severity: SeverityError,
			Title:  "An app for iOS, tvOS or visionOS has at most 4 GB unpacked, an app clip 100 MB, a watch app 75 MB.",
			Remedy: "load large content on demand (Background Assets, On-Demand Resources) instead of shipping it",
			check: func(c *checker) {
				for _, b := range c.bundles(KindApp, KindAppClip, KindWatchApp) {
					if most := maxBytes[b.Kind]; c.mobile() && b.Bytes > most {
						c.report(b.Path, "", "it has %d MB unpacked; the App Store takes %d", b.Bytes/1e6, most/1e6)
					}
				}
			},
		},
	}
}

// maxBytes are the largest sizes that the App Store takes, in bytes unpacked
// (App Store Connect Help, "Maximum build file sizes").
var maxBytes = map[BundleKind]int64{KindApp: 4e9, KindAppClip: 100e6, KindWatchApp: 75e6}

// parent returns the bundle that another lies in.
func (c *checker) parent(b Bundle) (Bundle, bool) {
	i, ok := c.byPath[b.Parent]
	if !ok {
		return Bundle{}, false
	}
	return c.info.Bundles[i], true
}
