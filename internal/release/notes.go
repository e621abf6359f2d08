package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ascend-cli/ascend/asc"
)

// maxNote is the longest what-to-test note in bytes of UTF-8. The service
// counts characters in one place and bytes in another; bytes are the safe side.
const maxNote = 4000

// writeNotes writes the what-to-test notes in every wanted locale.
func (r *run) writeNotes(ctx context.Context, d *distributable) (StepState, string, error) {
	existing, err := r.notes(ctx, d.build.ID)
	if err != nil {
		return StepFailed, "", err
	}
	texts, wanted := r.noteTexts(existing, d.app)
	var written []string
	for _, locale := range wanted {
		changed, err := r.writeNote(ctx, d.build.ID, locale, texts, existing)
		if err != nil {
			return StepFailed, "", fmt.Errorf("write what to test in %s: %w", locale, err)
		}
		if changed {
			written = append(written, locale)
		}
	}
	if len(written) == 0 {
		return StepAlready, "what to test is the same in " + strings.Join(wanted, ", "), nil
	}
	d.notes = texts
	return StepChanged, "what to test written in " + strings.Join(written, ", "), nil
}

// noteTexts are the cleaned notes by locale, and the locales in order: those
// of the note for all first, then those with a note of their own.
func (r *run) noteTexts(existing []asc.BetaBuildLocalization, app asc.App) (map[string]string, []string) {
	texts := map[string]string{}
	var locales []string
	add := func(locale, text, what string) {
		cleaned, changes := CleanNote(text)
		for _, change := range changes {
			r.warn(what + ": " + change)
		}
		texts[locale] = cleaned
		locales = append(locales, locale)
	}
	own := slices.Sorted(maps.Keys(r.plan.Distribution.Notes))
	if text := r.plan.Distribution.WhatToTest; text != nil {
		told := false
		for _, locale := range r.locales(existing, app) {
			if slices.ContainsFunc(own, func(o string) bool { return strings.EqualFold(o, locale) }) {
				continue
			}
			if told {
				texts[locale], _ = CleanNote(*text)
				locales = append(locales, locale)
				continue
			}
			add(locale, *text, "what to test")
			told = true
		}
	}
	for _, locale := range own {
		add(locale, r.plan.Distribution.Notes[locale], "what to test in "+locale)
	}
	return texts, locales
}

func (r *run) notes(ctx context.Context, buildID string) (list []asc.BetaBuildLocalization, err error) {
	err = r.retryUntilSettled(ctx, "what to test", func() error {
		list, err = asc.Collect(r.Client.BetaBuildLocalizations(ctx, buildID))
		return err
	})
	return list, err
}

// locales are those asked for, or those the build has, or the app's own.
func (r *run) locales(existing []asc.BetaBuildLocalization, app asc.App) []string {
	wanted := slices.Clone(r.plan.Distribution.Locales)
	if len(wanted) == 0 {
		for _, note := range existing {
			wanted = append(wanted, note.Locale)
		}
	}
	if len(wanted) == 0 && app.PrimaryLocale != "" {
		wanted = []string{app.PrimaryLocale}
	}
	if len(wanted) == 0 {
		wanted = []string{"en-US"}
	}
	return wanted
}

// writeNote writes one note. Characters that the service turns out to refuse
// are removed, once.
func (r *run) writeNote(ctx context.Context, buildID, locale string, texts map[string]string, existing []asc.BetaBuildLocalization) (bool, error) {
	changed, err := r.putNote(ctx, buildID, locale, texts[locale], existing)
	if refused := refusedCharacters(err, texts[locale]); refused != "" {
		r.warn("what to test in " + locale + ": characters that TestFlight refuses were removed: " + refused)
		texts[locale] = strings.Map(func(c rune) rune {
			if strings.ContainsRune(refused, c) {
				return -1
			}
			return c
		}, texts[locale])
		changed, err = r.putNote(ctx, buildID, locale, texts[locale], existing)
	}
	return changed, err
}

// refusedCharacters are those of a text that a refusal names, apart from
// letters, digits and what its own sentence is made of.
func refusedCharacters(err error, text string) string {
	var apiErr *asc.Error
	if !errors.As(err, &apiErr) || !strings.Contains(strings.ToLower(apiErr.Error()), "invalid character") {
		return ""
	}
	refused := ""
	for _, c := range text {
		if c > unicode.MaxASCII && !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c) && !strings.ContainsRune(refused, c) && strings.ContainsRune(apiErr.Error(), c) {
			refused += string(c)
		}
	}
	return refused
}

// putNote creates or updates one note. The second look after a refused
// create finds the localization that the service made meanwhile, and the one
// of a create whose reply was lost.
func (r *run) putNote(ctx context.Context, buildID, locale, text string, existing []asc.BetaBuildLocalization) (bool, error) {
	if i := indexLocale(existing, locale); i >= 0 {
		if sameNote(existing[i].WhatsNew, text) {
			return false, nil
		}
		return true, r.updateNote(ctx, existing[i].ID, text)
	}
	err := r.retryUntilSettled(ctx, "what to test", func() error {
		_, err := r.Client.CreateBetaBuildLocalization(ctx, buildID, locale, text)
		return err
	})
	if err == nil || ctx.Err() != nil || !asc.IsConflict(err) && !asc.IsUnclear(err) {
		return true, err
	}
	again, lookErr := r.notes(ctx, buildID)
	if lookErr != nil {
		return false, lookErr
	}
	if i := indexLocale(again, locale); i >= 0 {
		if !sameNote(again[i].WhatsNew, text) {
			return true, r.updateNote(ctx, again[i].ID, text)
		}
		return true, nil
	}
	if asc.IsUnclear(err) {
		_, err = r.Client.CreateBetaBuildLocalization(ctx, buildID, locale, text)
	}
	return true, err
}

func (r *run) updateNote(ctx context.Context, id, text string) error {
	return r.update(ctx, "what to test", func() error {
		_, err := r.Client.UpdateBetaBuildLocalization(ctx, id, text)
		return err
	})
}

func indexLocale(notes []asc.BetaBuildLocalization, locale string) int {
	return slices.IndexFunc(notes, func(n asc.BetaBuildLocalization) bool { return strings.EqualFold(n.Locale, locale) })
}

// sameNote compares notes without the line ends and outer space that a service
// may change.
func sameNote(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}

// CleanNote removes what TestFlight refuses in a note and cuts it to its
// length, on a character boundary. It says in words what it changed.
func CleanNote(text string) (string, []string) {
	var changes []string
	text = strings.ToValidUTF8(text, "")
	var removed []string
	cleaned := strings.Map(func(c rune) rune {
		if !refusedInNote(c) {
			return c
		}
		if name := nameRune(c); !slices.Contains(removed, name) {
			removed = append(removed, name)
		}
		return -1
	}, text)
	if len(removed) > 0 {
		changes = append(changes, "characters that TestFlight refuses were removed: "+strings.Join(removed, " "))
	}
	if len(cleaned) > maxNote {
		const ellipsis = "..."
		end := maxNote - len(ellipsis)
		for end > 0 && !utf8.RuneStart(cleaned[end]) {
			end--
		}
		changes = append(changes, fmt.Sprintf("the text has %d bytes and was cut to the %d that TestFlight takes", len(cleaned), maxNote))
		cleaned = cleaned[:end] + ellipsis
	}
	return cleaned, changes
}

// refusedInNote tells whether TestFlight refuses a character: '<', emoji and
// pictographs, and the invisible characters that belong to them.
func refusedInNote(c rune) bool {
	switch {
	case c == '<', c == 0xfe0e, c == 0xfe0f, c == 0x200d, c == 0x20e3:
		return true
	case c >= 0x1f000, c >= 0x2600 && c <= 0x27bf, c >= 0x2b00 && c <= 0x2bff, c >= 0x2300 && c <= 0x23ff:
		return true
	case c == '\n' || c == '\t' || c == '\r':
		return false
	}
	return unicode.IsControl(c) || c >= 0xe000 && c <= 0xf8ff
}

func nameRune(c rune) string {
	if unicode.IsGraphic(c) && c != 0x200d && c != 0xfe0f && c != 0xfe0e {
		return string(c)
	}
	return fmt.Sprintf("U+%04X", c)
}
