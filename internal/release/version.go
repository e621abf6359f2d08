package release

import (
	"slices"
	"strings"
)

func trimZeros(part string) string {
	if trimmed := strings.TrimLeft(part, "0"); trimmed != "" || part == "" {
		return trimmed
	}
	return "0"
}

// versionSpellings are the ways in which a version may be stored, the given
// one first: filters compare texts.
func versionSpellings(v string) []string {
	if v == "" {
		return nil
	}
	spellings := []string{v}
	add := func(s string) {
		if !slices.Contains(spellings, s) {
			spellings = append(spellings, s)
		}
	}
	parts := strings.Split(v, ".")
	for i, part := range parts {
		parts[i] = trimZeros(part)
	}
	add(strings.Join(parts, "."))
	switch {
	case len(parts) == 2:
		add(strings.Join(parts, ".") + ".0")
	case len(parts) == 3 && parts[2] == "0":
		add(strings.Join(parts[:2], "."))
	}
	return spellings
}

// numberSpellings are the ways in which a build number may be stored.
func numberSpellings(v string) []string {
	if v == "" {
		return nil
	}
	parts := strings.Split(v, ".")
	for i, part := range parts {
		parts[i] = trimZeros(part)
	}
	if short := strings.Join(parts, "."); short != v {
		return []string{v, short}
	}
	return []string{v}
}
