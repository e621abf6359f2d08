package release

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// checkDistribution stops what would end the distribution after the upload and
// Apple's processing: a role that is too low, an open export compliance
// question, a locale that does not exist.
func (r *run) checkDistribution(ctx context.Context, app asc.App, p pkg, a audience) error {
	if !r.plan.Distribution.Wanted() {
		return nil
	}
	for _, check := range []func(context.Context, asc.App, pkg, audience) error{r.checkLocales, r.checkCompliance, r.checkRole} {
		if err := check(ctx, app, p, a); err != nil {
			return err
		}
	}
	return nil
}

// checkRole asks whether the key may do more than upload. No answer is no
// obstacle: the distribution itself says what is wrong.
func (r *run) checkRole(ctx context.Context, _ asc.App, _ pkg, _ audience) error {
	may, err := r.Client.MayDistribute(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil || may:
		return nil
	}
	return &failure.Error{
		Kind:    failure.Auth,
		Message: "the key's role can upload builds, but not give them to testers, so nothing was sent",
		Hint:    "use a key with the role App Manager or Admin, or upload without distribution flags and leave the rest to such a key",
	}
}

// checkCompliance looks whether export compliance will be decided.
func (r *run) checkCompliance(ctx context.Context, app asc.App, p pkg, a audience) error {
	if p.UsesNonExemptEncryption != nil || r.plan.Distribution.UsesNonExemptEncryption != nil || r.plan.SkipPreflight {
		return nil
	}
	if len(a.groups)+len(a.create)+len(a.testers) == 0 && !r.reviewWanted(distributable{audience: a}) {
		return nil
	}
	declaration, err := r.approvedDeclaration(ctx, app, nil)
	if err != nil || declaration != "" {
		return err
	}
	return &failure.Error{
		Kind:    failure.InvalidPackage,
		Message: p.Path + ": export compliance is undecided, so testers could not get the build; nothing was sent",
		Hint: "set ITSAppUsesNonExemptEncryption in Info.plist, or answer for this build with --uses-non-exempt-encryption=false (or =true); " +
			"--skip-preflight uploads in spite of it",
	}
}

// checkLocales looks whether the locales of the notes exist. One that the app
// has exists, whatever the list here says.
func (r *run) checkLocales(ctx context.Context, app asc.App, _ pkg, _ audience) error {
	unknown := r.unknownLocales(nil)
	if len(unknown) == 0 {
		return nil
	}
	existing, err := asc.Collect(r.Client.BetaAppLocalizations(ctx, app.ID))
	if err != nil {
		return fmt.Errorf("read the locales of %s: %w", app.BundleID, err)
	}
	var names []string
	for _, l := range existing {
		names = append(names, l.Locale)
	}
	if unknown = r.unknownLocales(names); len(unknown) == 0 {
		return nil
	}
	closest := slices.Clone(locales)
	slices.SortStableFunc(closest, func(a, b string) int { return Distance(a, unknown[0]) - Distance(b, unknown[0]) })
	return &failure.Error{
		Kind: failure.Usage, Message: "App Store Connect has no locale " + strings.Join(unknown, ", ") + "; nothing was sent",
		Hint: "its locales are, closest first: " + strings.Join(closest, ", "),
	}
}

// unknownLocales are those of the distribution that neither the app nor App
// Store Connect has.
func (r *run) unknownLocales(app []string) []string {
	d := r.plan.Distribution
	asked := slices.Clone(d.Locales)
	for locale := range d.Notes {
		asked = append(asked, locale)
	}
	for locale := range d.AppInfo {
		if locale != DefaultLocale {
			asked = append(asked, locale)
		}
	}
	slices.Sort(asked)
	return slices.DeleteFunc(slices.Compact(asked), func(locale string) bool {
		same := func(known string) bool { return strings.EqualFold(known, locale) }
		return slices.ContainsFunc(locales, same) || slices.ContainsFunc(app, same)
	})
}

// locales are those of App Store Connect, from Apple's "App Store
// localizations" (2026).
var locales = []string{
	"ar-SA", "bn-BD", "ca", "cs", "da", "de-DE", "el", "en-AU", "en-CA", "en-GB", "en-US", "es-ES", "es-MX", "fi", "fr-CA", "fr-FR", "gu-IN",
	"he", "hi", "hr", "hu", "id", "it", "ja", "kn-IN", "ko", "ml-IN", "mr-IN", "ms", "nl-NL", "no", "or-IN", "pa-IN", "pl", "pt-BR", "pt-PT",
	"ro", "ru", "sk", "sl-SI", "sv", "ta-IN", "te-IN", "th", "tr", "uk", "ur-PK", "vi", "zh-Hans", "zh-Hant",
}
