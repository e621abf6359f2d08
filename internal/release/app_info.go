package release

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
)

// DefaultLocale in [Distribution.AppInfo] stands for every locale that the app
// has and that is not named.
const DefaultLocale = "default"

// writeAppInfo writes what testers read about the app, where it differs.
func (r *run) writeAppInfo(ctx context.Context, d *distributable) (StepState, string, error) {
	existing, err := asc.Collect(r.Client.BetaAppLocalizations(ctx, d.app.ID))
	if err != nil {
		return StepFailed, "", fmt.Errorf("read the beta information of %s: %w", d.app.BundleID, err)
	}
	wanted := r.wantedAppInfo(d.app, existing)
	var written []string
	names := slices.Sorted(maps.Keys(wanted))
	for _, locale := range names {
		changed, err := r.writeAppLocale(ctx, d.app.ID, locale, wanted[locale], existing)
		if err != nil {
			return StepFailed, "", fmt.Errorf("write the beta information in %s: %w", locale, err)
		}
		if changed {
			written = append(written, locale)
		}
	}
	if len(written) == 0 {
		return StepAlready, "beta information is the same in " + strings.Join(names, ", "), nil
	}
	return StepChanged, "beta information written in " + strings.Join(written, ", "), nil
}

// wantedAppInfo is the beta information by locale: what is for every locale is
// for those that the app has and that are not named.
func (r *run) wantedAppInfo(app asc.App, existing []asc.BetaAppLocalization) map[string]asc.BetaAppInfo {
	wanted := maps.Clone(r.plan.Distribution.AppInfo)
	general, ok := wanted[DefaultLocale]
	if !ok {
		return wanted
	}
	delete(wanted, DefaultLocale)
	for _, l := range existing {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(name string) bool { return strings.EqualFold(name, l.Locale) }) {
			wanted[l.Locale] = general
		}
	}
	if len(existing) == 0 && len(wanted) == 0 {
		wanted[app.PrimaryLocale] = general
	}
	return wanted
}

// missingAppInfo is what of the beta information is not there.
func missingAppInfo(wanted asc.BetaAppInfo, there asc.BetaAppLocalization) asc.BetaAppInfo {
	return asc.BetaAppInfo{
		Description: differing(wanted.Description, there.Description), FeedbackEmail: differing(wanted.FeedbackEmail, there.FeedbackEmail),
		MarketingURL: differing(wanted.MarketingURL, there.MarketingURL), PrivacyPolicyURL: differing(wanted.PrivacyPolicyURL, there.PrivacyPolicyURL),
		TvOSPrivacyPolicy: differing(wanted.TvOSPrivacyPolicy, there.TvOSPrivacyPolicy),
	}
}

func (r *run) writeAppLocale(ctx context.Context, appID, locale string, info asc.BetaAppInfo, existing []asc.BetaAppLocalization) (bool, error) {
	update := func(l asc.BetaAppLocalization) (bool, error) {
		missing := missingAppInfo(info, l)
		if missing == (asc.BetaAppInfo{}) {
			return false, nil
		}
		return true, r.update(ctx, "beta information", func() error {
			_, err := r.Client.UpdateBetaAppLocalization(ctx, l.ID, missing)
			return err
		})
	}
	find := func(list []asc.BetaAppLocalization) int {
		return slices.IndexFunc(list, func(l asc.BetaAppLocalization) bool { return strings.EqualFold(l.Locale, locale) })
	}
	if i := find(existing); i >= 0 {
		return update(existing[i])
	}
	_, err := r.Client.CreateBetaAppLocalization(ctx, appID, locale, info)
	if err == nil || ctx.Err() != nil || !asc.IsConflict(err) && !asc.IsUnclear(err) {
		return true, err
	}
	// It may have been made all the same, by a request whose reply was lost.
	again, lookErr := asc.Collect(r.Client.BetaAppLocalizations(ctx, appID))
	if lookErr != nil {
		return false, lookErr
	}
	if i := find(again); i >= 0 {
		_, err := update(again[i])
		return true, err
	}
	if asc.IsUnclear(err) {
		_, err = r.Client.CreateBetaAppLocalization(ctx, appID, locale, info)
	}
	return true, err
}

// differing is a wanted value if it is not there, and nil otherwise.
func differing[T comparable](wanted, there *T) *T {
	if wanted == nil || there != nil && *there == *wanted {
		return nil
	}
	return wanted
}

// writeReviewInfo writes what beta review needs to know, where it differs.
func (r *run) writeReviewInfo(ctx context.Context, d *distributable) (StepState, string, error) {
	there, err := r.Client.BetaAppReviewDetail(ctx, d.app.ID)
	if err != nil {
		return StepFailed, "", fmt.Errorf("read what beta review knows about %s: %w", d.app.BundleID, err)
	}
	missing := missingReviewInfo(*r.plan.Distribution.ReviewInfo, there)
	if missing == (asc.BetaAppReviewInfo{}) {
		return StepAlready, "beta review knows it already", nil
	}
	err = r.update(ctx, "information for beta review", func() error {
		_, err := r.Client.UpdateBetaAppReviewDetail(ctx, there.ID, missing)
		return err
	})
	if err != nil {
		return StepFailed, "", fmt.Errorf("write what beta review needs to know: %w", err)
	}
	return StepChanged, "information for beta review written", nil
}

// missingReviewInfo is what of the information for beta review is not there.
func missingReviewInfo(wanted asc.BetaAppReviewInfo, there asc.BetaAppReviewDetail) asc.BetaAppReviewInfo {
	return asc.BetaAppReviewInfo{
		ContactFirstName: differing(wanted.ContactFirstName, there.ContactFirstName), ContactLastName: differing(wanted.ContactLastName, there.ContactLastName),
		ContactPhone: differing(wanted.ContactPhone, there.ContactPhone), ContactEmail: differing(wanted.ContactEmail, there.ContactEmail),
		DemoAccountName: differing(wanted.DemoAccountName, there.DemoAccountName), DemoAccountPassword: differing(wanted.DemoAccountPassword, there.DemoAccountPassword),
		DemoAccountRequired: differing(wanted.DemoAccountRequired, there.DemoAccountRequired), Notes: differing(wanted.Notes, there.Notes),
	}
}
