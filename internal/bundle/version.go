package bundle

import (
	"fmt"
	"strings"
)

// maxVersionLength is the longest CFBundleShortVersionString and
// CFBundleVersion that Apple takes, in characters.
const maxVersionLength = 18

// CompareVersions orders versions and build numbers as Apple does: field by
// field, as numbers, where a missing field is zero and leading zeros do not
// count. Fields with letters are ordered by length, then as text.
func CompareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := versionField(as, i), versionField(bs, i)
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if order := strings.Compare(x, y); order != 0 {
			return order
		}
	}
	return 0
}

// SameVersion tells whether two spellings are one version to Apple: 1.2 is
// 1.2.0, and leading zeros do not count (seen with builds; fastlane's watcher
// works around both).
func SameVersion(a, b string) bool { return CompareVersions(a, b) == 0 }

func versionField(fields []string, i int) string {
	if i >= len(fields) {
		return ""
	}
	return strings.TrimLeft(fields[i], "0")
}

// ValidVersion tells whether Apple takes a text as version or build number: one
// to three whole numbers separated by dots.
func ValidVersion(version string) bool { return versionProblem(version) == "" }

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
