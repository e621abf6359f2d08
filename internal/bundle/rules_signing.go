package bundle

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// signingRules are about signatures, certificates, profiles and entitlements.
func signingRules() []Rule {
	const again = "export for the App Store: xcodebuild -exportArchive with method app-store-connect in ExportOptions.plist"
	profileIs := func(kind ProfileType, words string) func(*checker) {
		return func(c *checker) {
			for _, b := range c.bundles(own()...) {
				if b.Profile != nil && b.Profile.Type == kind {
					c.report(b.Profile.Path, b.Profile.Name, "the provisioning profile %q is %s", b.Profile.Name, words)
				}
			}
		}
	}
	return []Rule{
		{
			ID: "profile-missing", Codes: []string{"90174"}, Severity: SeverityError,
			Title: "Apps and extensions have a provisioning profile.", Remedy: again,
			check: func(c *checker) {
				for _, b := range c.programs(KindApp, KindExtension, KindAppClip, KindWatchApp) {
					if c.mobile() && c.info.Partial == "" && b.profilePath == "" {
						c.report(b.Path, "", "%s has no embedded.mobileprovision", b.Path)
					}
				}
			},
		},
		{
			ID: "profile-damaged", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "Provisioning profiles can be read.", Remedy: "download the profile again, and export again",
			check: func(c *checker) {
				for _, b := range c.bundles() {
					if b.profileError != nil {
						c.report(b.profilePath, "", "the provisioning profile cannot be read: %v", b.profileError)
					}
				}
			},
		},
		{
			ID: "profile-development", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "The provisioning profile is not for development.", Remedy: again, check: profileIs(ProfileDevelopment, "for development"),
		},
		{
			ID: "profile-ad-hoc", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "The provisioning profile is not for ad hoc distribution.", Remedy: again, check: profileIs(ProfileAdHoc, "for ad hoc distribution to named devices"),
		},
		{
			ID: "profile-enterprise", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "The provisioning profile is not for distribution within a company.", Remedy: again + ", with a team of the Apple Developer Program",
			check: profileIs(ProfileEnterprise, "for distribution within a company"),
		},
		{
			ID: "profile-developer-id", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "The provisioning profile is not for Developer ID.", Remedy: again, check: profileIs(ProfileDeveloperID, "for distribution outside the App Store"),
		},
		{
			ID: "profile-expired", Codes: []string{"90161"}, Severity: SeverityError,
			Title: "Provisioning profiles have not expired.", Remedy: "renew the profile in Certificates, Identifiers & Profiles, and export again",
			check: func(c *checker) {
				for _, b := range c.bundles() {
					if b.Profile != nil && !b.Profile.Expires.IsZero() && !c.now.Before(b.Profile.Expires) {
						c.report(b.Profile.Path, b.Profile.Expires.Format(time.DateOnly), "the provisioning profile %q expired on %s", b.Profile.Name, b.Profile.Expires.Format(time.DateOnly))
					}
				}
			},
		},
		{
			ID: "signature-missing", Codes: []string{"90035"}, Severity: SeverityError,
			Title: "Every program is signed by somebody.", Remedy: again,
			check: func(c *checker) {
				for _, b := range c.programs() {
					switch s := b.Executable.Signature; {
					case b.Executable.SignatureUnread != "":
					case s == nil:
						c.report(b.Executable.Path, "", "the program is not signed")
					case s.AdHoc:
						c.report(b.Executable.Path, "ad hoc", "the program has an ad hoc signature, which names nobody")
					}
				}
			},
		},
		{
			ID: "hashes-missing", Codes: []string{"90035"}, Severity: SeverityError,
			Title: "Signed bundles have the list of their files' hashes.", Remedy: again + "; change nothing in the app afterwards",
			check: func(c *checker) {
				for _, b := range c.programs() {
					if b.Kind != KindLibrary && b.Executable.Signature != nil && !b.HashedFiles && c.info.Partial == "" {
						c.report(b.Path, "", "%s has no _CodeSignature/CodeResources", b.Path)
					}
				}
			},
		},
		{
			ID: "certificate-kind", Codes: []string{"90034", "90179"}, Severity: SeverityError,
			Title: "Programs are signed with a certificate for distribution.", Remedy: again + ", with an Apple Distribution certificate in the keychain",
			check: func(c *checker) {
				for _, b := range c.signed() {
					if cert := b.Executable.Signature.Certificate; cert != nil && cert.Kind != CertificateDistribution {
						c.report(b.Executable.Path, cert.Name, "the program is signed with %q, which is not a certificate for distribution in the App Store", cert.Name)
					}
				}
			},
		},
		{
			ID: "certificate-expired", Codes: []string{"90034"}, Severity: SeverityError,
			Title: "The certificate of a signature has not expired.", Remedy: "make a new Apple Distribution certificate, renew the profile with it, and export again",
			check: func(c *checker) {
				for _, b := range c.signed() {
					if cert := b.Executable.Signature.Certificate; cert != nil && !c.now.Before(cert.Expires) {
						c.report(b.Executable.Path, cert.Expires.Format(time.DateOnly), "the certificate %q expired on %s", cert.Name, cert.Expires.Format(time.DateOnly))
					}
				}
			},
		},
		{
			ID: "get-task-allow", Codes: []string{"90046"}, Severity: SeverityError,
			Title: "Programs cannot be debugged.", Remedy: again,
			check: func(c *checker) {
				for _, b := range c.signed() {
					for _, key := range []string{"get-task-allow", "com.apple.security.get-task-allow"} {
						if b.Executable.Signature.Entitlements.flag(key) {
							c.report(b.Executable.Path, key, "the program has the entitlement %s, which is for development", key)
						}
					}
				}
			},
		},
		{
			ID: "team-differs", Severity: SeverityError,
			Title: "All parts of an app are signed by one team.", Remedy: "sign all targets and embedded frameworks with one team (Code Sign On Copy)",
			check: func(c *checker) {
				team, from := "", ""
				for _, b := range c.signed() {
					for _, found := range []struct{ team, path string }{{b.Executable.Signature.Team, b.Executable.Path}, {profileTeam(b), b.profilePath}} {
						switch {
						case found.team == "":
						case team == "":
							team, from = found.team, found.path
						case found.team != team:
							c.report(found.path, found.team, "the team is %s, but that of %s is %s", found.team, from, team)
						}
					}
				}
			},
		},
		{
			ID: "application-identifier", Codes: []string{"90046", "90286"}, Severity: SeverityError,
			Title: "The application identifier of a signature is the team or prefix, a dot and the bundle id.", Remedy: "choose the profile of this bundle id, and export again",
			check: func(c *checker) {
				for _, b := range c.signed() {
					id := firstOf(b.Executable.Signature.Entitlements, "application-identifier", "com.apple.application-identifier")
					if _, named, ok := strings.Cut(id, "."); id != "" && b.BundleID != "" && (!ok || named != b.BundleID) {
						c.report(b.Executable.Path, id, "the program is signed for %s, but its bundle id is %s", id, b.BundleID)
					}
				}
			},
		},
		{
			ID: "entitlements", Codes: []string{"90164", "90163"}, Severity: SeverityError,
			Title: "Programs have no entitlements that their profile does not give.", Remedy: "add the capability to the App ID, renew the profile, and export again; or take it out of the .entitlements file",
			check: func(c *checker) {
				for _, b := range c.signed() {
					if b.Profile == nil || b.Profile.Entitlements == nil {
						continue
					}
					for _, key := range slices.Sorted(maps.Keys(b.Executable.Signature.Entitlements)) {
						c.checkEntitlement(b, key, b.Executable.Signature.Entitlements[key])
					}
				}
			},
		},
	}
}

// checkEntitlement compares one entitlement with the profile. Those of the
// sandbox and the runtime are nobody's to give.
func (c *checker) checkEntitlement(b Bundle, key string, values Values) {
	given, known := b.Profile.Entitlements[key]
	switch {
	case !restricted(key):
	case !known && !(len(values) == 1 && values[0] == "false"):
		c.report(b.Executable.Path, key, "the program has the entitlement %s, which the profile %q does not give", key, b.Profile.Name)
	case known:
		allows := given.permits()
		for _, value := range values {
			if value != "" && value != "false" && !allows(value) {
				c.report(b.Executable.Path, key+"="+value, "the value %s of the entitlement %s is not among those of the profile %q: %s", clip(value), key, b.Profile.Name, clip(list(given)))
			}
		}
	}
}

// restricted tells whether an entitlement has to be given by a profile.
func restricted(key string) bool {
	switch key {
	case "application-identifier", "com.apple.application-identifier", "aps-environment", "com.apple.developer.aps-environment", "keychain-access-groups", "inter-app-audio":
		return true
	}
	return strings.HasPrefix(key, "com.apple.developer.")
}

// signed returns the bundles whose signatures could be read.
func (c *checker) signed() []Bundle {
	return slices.DeleteFunc(c.programs(), func(b Bundle) bool { return b.Executable.Signature == nil })
}

func profileTeam(b Bundle) string {
	if b.Profile == nil {
		return ""
	}
	return b.Profile.Team
}

func firstOf(e Entitlements, keys ...string) string {
	for _, key := range keys {
		if v := e.text(key); v != "" {
			return v
		}
	}
	return ""
}
