package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
)

// appInfoFlags say what testers and reviewers are told about the app.
func appInfoFlags() []cli.Flag {
	return under(appInfoCategory,
		&cli.StringFlag{Name: "app-description", Usage: "beta app description `TEXT`, for every locale the app has"},
		&cli.StringFlag{Name: "feedback-email", Usage: "`ADDRESS` for testers' feedback, for every locale the app has"},
		&cli.StringFlag{Name: "app-info-json", Usage: "`JSON` object of locales (or default) with description, feedback_email, marketing_url, privacy_policy_url, tv_os_privacy_policy"},
		&cli.StringFlag{Name: "app-clips-json", Usage: "`JSON` list of app clip invocations: {\"url\": …, \"title\": {locale: text}}"},
		&cli.BoolFlag{Name: "overwrite-app-clips", Usage: "remove the app clip invocations that are not named"},
		&cli.StringFlag{Name: "review-info-json", Usage: "`JSON` object for beta review: contact_email, contact_first_name, contact_last_name, contact_phone, demo_account_required, demo_account_name, demo_account_password, notes"},
	)
}

// appInfo reads what testers are told, by locale.
func appInfo(c *cli.Context) (map[string]asc.BetaAppInfo, error) {
	infos := map[string]asc.BetaAppInfo{}
	if text := c.String("app-info-json"); text != "" {
		var locales map[string]map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &locales); err != nil {
			return nil, usagef(`such as {"en-US": {"description": "…"}}`, "--app-info-json is not an object of locales with their texts")
		}
		for locale, fields := range locales {
			var info asc.BetaAppInfo
			err := fill("--app-info-json", fields, map[string]any{
				"description": &info.Description, "feedback_email": &info.FeedbackEmail, "marketing_url": &info.MarketingURL,
				"privacy_policy_url": &info.PrivacyPolicyURL, "tv_os_privacy_policy": &info.TvOSPrivacyPolicy, "tv_os_privacy_policy_url": &info.TvOSPrivacyPolicy,
			})
			if err != nil {
				return nil, err
			}
			infos[locale] = info
		}
	}
	general, given := infos[release.DefaultLocale], false
	for name, into := range map[string]**string{"app-description": &general.Description, "feedback-email": &general.FeedbackEmail} {
		if text := c.String(name); text != "" && *into == nil {
			*into, given = &text, true
		}
	}
	if given {
		infos[release.DefaultLocale] = general
	}
	return infos, nil
}

// reviewInfo reads what beta review needs to know, or nil.
func reviewInfo(c *cli.Context) (*asc.BetaAppReviewInfo, error) {
	text := c.String("review-info-json")
	if text == "" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, usagef(`such as {"contact_email": "dana@example.com"}`, "--review-info-json is not an object") // it may hold a password
	}
	var info asc.BetaAppReviewInfo
	err := fill("--review-info-json", fields, map[string]any{
		"contact_email": &info.ContactEmail, "contact_first_name": &info.ContactFirstName, "contact_last_name": &info.ContactLastName, "contact_phone": &info.ContactPhone,
		"demo_account_required": &info.DemoAccountRequired, "demo_account_name": &info.DemoAccountName, "demo_account_password": &info.DemoAccountPassword, "notes": &info.Notes,
	})
	return &info, err
}

// fill writes fields to where they belong, and refuses unknown ones.
func fill(flag string, fields map[string]json.RawMessage, places map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		place, ok := places[strings.ReplaceAll(name, "-", "_")]
		if !ok {
			names := slices.Sorted(maps.Keys(places))
			return usagef(didYouMean(names, name, "")+"the keys are "+strings.Join(names, ", "), "%s has an unknown key %q", flag, name)
		}
		if err := json.Unmarshal(fields[name], place); err != nil {
			return usagef("", "%s: %s has a value of the wrong type", flag, name)
		}
	}
	return nil
}

// appClips reads the invocations of the app clip.
func appClips(c *cli.Context) ([]release.AppClip, error) {
	text := c.String("app-clips-json")
	if text == "" {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var clips []release.AppClip
	if err := decoder.Decode(&clips); err != nil {
		return nil, usagef(`such as [{"url": "https://example.com/clip", "title": {"en-US": "Order"}}]`, "--app-clips-json: %v", err)
	}
	for _, clip := range clips {
		if !strings.HasPrefix(clip.URL, "https://") || len(clip.Title) == 0 {
			return nil, usagef("", "--app-clips-json: %q needs an https address and a title in one locale at least", clip.URL)
		}
	}
	return clips, nil
}
