package sandbox

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

func localizationKinds() map[string]kind {
	return map[string]kind{
		"betaBuildLocalizations": {
			create: func(s *Server, in input) (*resource, *refusal) {
				return s.createLocalization("betaBuildLocalizations", "build", in)
			},
			update: func(s *Server, localization *resource, in input) *refusal {
				if refused := checkText(in); refused != nil {
					return refused
				}
				return s.assign(localization, in)
			},
		},
		"betaAppLocalizations": {
			create: func(s *Server, in input) (*resource, *refusal) {
				return s.createLocalization("betaAppLocalizations", "app", in)
			},
		},
	}
}

// createLocalization makes a localization of its owner, which may have one for
// each locale.
func (s *Server) createLocalization(kind, owner string, in input) (*resource, *refusal) {
	locale, _ := in.attrs["locale"].(string)
	if !slices.Contains(locales, locale) {
		return nil, invalidValue("locale", locale)
	}
	for _, other := range s.db.all(kind) {
		if other.one[owner] == in.one[owner] && other.text("locale") == locale {
			return nil, duplicate("locale")
		}
	}
	if refused := checkText(in); refused != nil {
		return nil, refused
	}
	return s.insert(kind, in), nil
}

// maxWhatsNew is the longest what-to-test note, in characters.
const maxWhatsNew = 4000

// checkText refuses what TestFlight refuses in a note: emoji, '<', too much.
func checkText(in input) *refusal {
	text, _ := in.attrs["whatsNew"].(string)
	if utf8.RuneCountInString(text) > maxWhatsNew {
		return badAttribute("whatsNew", "ENTITY_ERROR.ATTRIBUTE.INVALID.TOO_LONG",
			fmt.Sprintf("The attribute 'whatsNew' must not be longer than %d characters", maxWhatsNew))
	}
	for _, r := range text {
		if r == '<' || r >= 0x1f000 || r >= 0x2600 && r < 0x27c0 {
			return badAttribute("whatsNew", "ENTITY_ERROR.ATTRIBUTE.INVALID.INVALID_CHARACTERS",
				fmt.Sprintf("The attribute 'whatsNew' contains invalid characters: %c", r))
		}
	}
	return nil
}

// locales are those that App Store Connect knows.
var locales = []string{
	"ar-SA", "bn-BD", "ca", "cs", "da", "de-DE", "el", "en-AU", "en-CA", "en-GB", "en-US", "es-ES", "es-MX", "fi",
	"fr-CA",
	"fr-FR", "gu-IN", "he", "hi", "hr", "hu", "id", "it", "ja", "kn-IN", "ko", "ml-IN", "mr-IN", "ms", "nl-NL", "no",
	"or-IN",
	"pa-IN", "pl", "pt-BR", "pt-PT", "ro", "ru", "sk", "sl-SI", "sv", "ta-IN", "te-IN", "th", "tr", "uk", "ur-PK", "vi",
	"zh-Hans", "zh-Hant",
}
