package bundle

// macRules are about apps for the Mac App Store.
func macRules() []Rule {
	return []Rule{
		{
			ID: "mac-not-sandboxed", Codes: []string{"90296"}, Severity: SeverityError,
			Title:  "Every program of a Mac app runs in the sandbox.",
			Remedy: "add the App Sandbox capability (com.apple.security.app-sandbox) to the target",
			check: func(c *checker) {
				for _, b := range c.signed() {
					if c.info.Platform == MacOS && b.Kind != KindFramework && b.Kind != KindLibrary && !b.Executable.Signature.Entitlements.flag("com.apple.security.app-sandbox") {
						c.report(b.Executable.Path, "", "the program has no entitlement com.apple.security.app-sandbox")
					}
				}
			},
		},
		{
			ID: "mac-category-missing", Codes: []string{"90242"}, Severity: SeverityError,
			Title:  "A Mac app names its category.",
			Remedy: "set LSApplicationCategoryType in Info.plist, such as public.app-category.utilities (INFOPLIST_KEY_LSApplicationCategoryType)",
			check: func(c *checker) {
				if app := c.app(); c.info.Platform == MacOS && app.plistPath != "" && app.Category == "" {
					c.report(app.plistPath, "", "Info.plist has no LSApplicationCategoryType")
				}
			},
		},
		{
			ID: "mac-icon-missing", Codes: []string{"90236"}, Severity: SeverityError,
			Title:  "A Mac app has an icon.",
			Remedy: "add an App Icon set to the asset catalogue and name it in ASSETCATALOG_COMPILER_APPICON_NAME",
			check: func(c *checker) {
				if app := c.app(); c.info.Platform == MacOS && app.plistPath != "" && len(app.Icons) == 0 && c.info.Partial == "" {
					c.report(app.plistPath, "", "the app names no icon that is there (CFBundleIconFile, CFBundleIconName)")
				}
			},
		},
		{
			ID: "installer-unsigned", Codes: []string{"90237"}, Severity: SeverityError,
			Title:  "The installer package is signed with a certificate for installers of the Mac App Store.",
			Remedy: "sign it: productbuild --sign '3rd Party Mac Developer Installer: …', or xcodebuild -exportArchive with method app-store-connect",
			check: func(c *checker) {
				switch installer := c.info.Installer; {
				case installer == nil:
				case !installer.Signed:
					c.report("", "", "the installer package is not signed")
				case installer.Certificate != nil && installer.Certificate.Kind != CertificateInstaller:
					c.report("", installer.Certificate.Name, "the installer package is signed with %q, which is not a certificate for installers of the Mac App Store", installer.Certificate.Name)
				}
			},
		},
		{
			ID: "installer-certificate-expired", Codes: []string{"90237"}, Severity: SeverityError,
			Title:  "The certificate of an installer package has not expired.",
			Remedy: "make a new Mac Installer Distribution certificate, and export again",
			check: func(c *checker) {
				if installer := c.info.Installer; installer != nil && installer.Certificate != nil && !c.now.Before(installer.Certificate.Expires) {
					c.report("", installer.Certificate.Name, "the certificate %q expired on %s", installer.Certificate.Name, installer.Certificate.Expires.Format("2006-01-02"))
				}
			},
		},
	}
}
