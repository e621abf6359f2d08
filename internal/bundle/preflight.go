package bundle

import (
	"fmt"
	"strings"
)

// A Severity says whether a finding stops an upload.
type Severity string

// The severities, most severe first.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// A Finding is something that Apple would say about a package.
type Finding struct {
	// Rule is the stable id of the rule.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Message says what is wrong, with the value at fault.
	Message string `json:"message"`
	// Remedy says how to mend it.
	Remedy string `json:"remedy"`
}

// maxVersionLength is the longest CFBundleShortVersionString and
// CFBundleVersion that Apple takes, in characters.
const maxVersionLength = 18

// Preflight checks what Apple would refuse, before anything is sent.
func Preflight(info Info) []Finding {
	var findings []Finding
	if problem := versionProblem(info.ShortVersion); problem != "" {
		findings = append(findings, Finding{
			Rule: "version-format", Severity: SeverityError,
			Message: fmt.Sprintf("the version (CFBundleShortVersionString) %s", problem),
			Remedy:  "set MARKETING_VERSION to one to three whole numbers separated by dots, such as 1.4.2",
		})
	}
	if problem := versionProblem(info.BuildVersion); problem != "" {
		findings = append(findings, Finding{
			Rule: "build-number-format", Severity: SeverityError,
			Message: fmt.Sprintf("the build number (CFBundleVersion) %s", problem),
			Remedy:  "set CURRENT_PROJECT_VERSION to one to three whole numbers separated by dots, such as 42",
		})
	}
	if info.Platform == "" {
		findings = append(findings, Finding{
			Rule: "platform-unknown", Severity: SeverityError,
			Message: "the package does not say which platform it is for (DTPlatformName and CFBundleSupportedPlatforms are missing)",
			Remedy:  "name it: --platform ios, macos, tvos or visionos",
		})
	}
	for _, warning := range info.Warnings {
		findings = append(findings, Finding{Rule: "package-layout", Severity: SeverityWarning, Message: warning, Remedy: "use the package that xcodebuild -exportArchive makes, unchanged"})
	}
	if info.UsesNonExemptEncryption == nil {
		findings = append(findings, Finding{
			Rule: "export-compliance-undecided", Severity: SeverityInfo,
			Message: "the app does not say whether it uses non-exempt encryption (ITSAppUsesNonExemptEncryption), so the build will wait for an answer before it can be tested",
			Remedy:  "set ITSAppUsesNonExemptEncryption in Info.plist, or answer with --uses-non-exempt-encryption",
		})
	}
	return findings
}

// Fatal returns the findings that stop an upload.
func Fatal(findings []Finding) []Finding {
	var fatal []Finding
	for _, f := range findings {
		if f.Severity == SeverityError {
			fatal = append(fatal, f)
		}
	}
	return fatal
}

// versionProblem says what Apple would not like about a version, or "".
func versionProblem(version string) string {
	switch parts := strings.Split(version, "."); {
	case version == "":
		return "is missing or empty"
	case len(version) > maxVersionLength:
		return fmt.Sprintf("%q has %d characters; Apple takes %d at most", clip(version), len(version), maxVersionLength)
	case strings.Trim(version, "0123456789.") != "":
		return fmt.Sprintf("%q holds something other than digits and dots", version)
	case len(parts) > 3:
		return fmt.Sprintf("%q has %d parts; Apple takes three at most", version, len(parts))
	default:
		for _, part := range parts {
			if part == "" {
				return fmt.Sprintf("%q has an empty part", version)
			}
		}
		return ""
	}
}

func clip(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}
