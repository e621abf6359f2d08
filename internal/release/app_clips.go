package release

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
)

// An AppClip is a URL by which testers start the app clip, with its titles by
// locale.
type AppClip struct {
	URL   string            `json:"url"`
	Title map[string]string `json:"title"`
}

// writeAppClips makes the invocations of the build's app clip as asked. Titles
// that are there besides stay.
func (r *run) writeAppClips(ctx context.Context, d *distributable) (StepState, string, error) {
	bundles, err := r.Client.BuildBundles(ctx, d.build.ID)
	if err != nil {
		return StepFailed, "", fmt.Errorf("read the bundles of build %s: %w", d.build.ID, err)
	}
	i := slices.IndexFunc(bundles, func(b asc.BuildBundle) bool { return b.BundleType == asc.BundleAppClip })
	if i < 0 {
		r.warn("the build has no app clip, so there are no invocations to write")
		return StepSkipped, "the build has no app clip", nil
	}
	existing, err := asc.Collect(r.Client.BetaAppClipInvocations(ctx, bundles[i].ID))
	if err != nil {
		return StepFailed, "", fmt.Errorf("list the app clip's invocations: %w", err)
	}
	changed := 0
	if r.plan.Distribution.OverwriteAppClips {
		for _, invocation := range existing {
			if slices.ContainsFunc(r.plan.Distribution.AppClips, func(c AppClip) bool { return c.URL == invocation.URL }) {
				continue // it is brought up to date below
			}
			if err := r.Client.DeleteBetaAppClipInvocation(ctx, invocation.ID); err != nil && !asc.IsNotFound(err) {
				return StepFailed, "", fmt.Errorf("remove the invocation %s: %w", invocation.URL, err)
			}
			changed++
		}
	}
	var urls []string
	for _, clip := range r.plan.Distribution.AppClips {
		urls = append(urls, clip.URL)
		n, err := r.writeAppClip(ctx, bundles[i].ID, clip, existing)
		if err != nil {
			return StepFailed, "", fmt.Errorf("write the invocation %s: %w", clip.URL, err)
		}
		changed += n
	}
	if changed == 0 {
		return StepAlready, "app clip invocations: " + strings.Join(urls, ", "), nil
	}
	return StepChanged, "app clip invocations written: " + strings.Join(urls, ", "), nil
}

func (r *run) writeAppClip(ctx context.Context, bundleID string, clip AppClip, existing []asc.BetaAppClipInvocation) (changed int, err error) {
	find := func(list []asc.BetaAppClipInvocation) int {
		return slices.IndexFunc(list, func(i asc.BetaAppClipInvocation) bool { return i.URL == clip.URL })
	}
	i := find(existing)
	if i < 0 {
		_, err := r.Client.CreateBetaAppClipInvocation(ctx, bundleID, clip.URL, clip.Title)
		if err == nil || ctx.Err() != nil || !asc.IsUnclear(err) && !asc.IsConflict(err) {
			return 1, err
		}
		again, lookErr := asc.Collect(r.Client.BetaAppClipInvocations(ctx, bundleID))
		if lookErr != nil {
			return 0, lookErr
		}
		if i = find(again); i < 0 {
			if asc.IsUnclear(err) {
				_, err = r.Client.CreateBetaAppClipInvocation(ctx, bundleID, clip.URL, clip.Title)
			}
			return 1, err
		}
		existing, changed = again, 1
	}
	for _, locale := range slices.Sorted(maps.Keys(clip.Title)) {
		title := clip.Title[locale]
		j := slices.IndexFunc(existing[i].Titles, func(l asc.BetaAppClipInvocationLocalization) bool { return strings.EqualFold(l.Locale, locale) })
		switch {
		case j < 0:
			err = r.Client.CreateBetaAppClipTitle(ctx, existing[i].ID, locale, title)
		case existing[i].Titles[j].Title != title:
			err = r.Client.UpdateBetaAppClipTitle(ctx, existing[i].Titles[j].ID, title)
		default:
			continue
		}
		if err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}
