package asc

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
)

// A BuildBundle is one bundle of a build: the app, or its app clip.
//
// https://developer.apple.com/documentation/appstoreconnectapi/buildbundle
type BuildBundle struct {
	ID       string
	BundleID string
	// BundleType is APP or APP_CLIP.
	BundleType string
}

// BundleAppClip marks the bundle of an app clip.
const BundleAppClip = "APP_CLIP"

type buildBundleAttributes struct {
	BundleID   string `json:"bundleId"`
	BundleType string `json:"bundleType"`
}

// BuildBundles returns the bundles of a build.
func (c *Client) BuildBundles(ctx context.Context, buildID string) ([]BuildBundle, error) {
	query := values("include", "buildBundles", "limit[buildBundles]", "50")
	return get(ctx, c, "builds", buildID, query, toBuildBundles)
}

func toBuildBundles(r resource[buildAttributes], in included) []BuildBundle {
	var out []BuildBundle
	for _, id := range r.many("buildBundles") {
		if b, ok := find[buildBundleAttributes](in, "buildBundles", id); ok {
			out = append(out, BuildBundle{ID: id, BundleID: b.Attributes.BundleID, BundleType: b.Attributes.BundleType})
		}
	}
	return out
}

// A BetaAppClipInvocation is a URL by which testers start an app clip.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betaappclipinvocation
type BetaAppClipInvocation struct {
	ID, URL string
	Titles  []BetaAppClipInvocationLocalization
}

// A BetaAppClipInvocationLocalization is the title of an invocation in a
// locale.
type BetaAppClipInvocationLocalization struct{ ID, Locale, Title string }

type betaAppClipInvocationAttributes struct {
	URL string `json:"url"`
}

type betaAppClipTitleAttributes struct {
	Locale string `json:"locale,omitempty"`
	Title  string `json:"title"`
}

func toBetaAppClipInvocation(r resource[betaAppClipInvocationAttributes], in included) BetaAppClipInvocation {
	invocation := BetaAppClipInvocation{ID: r.ID, URL: r.Attributes.URL}
	for _, id := range r.many("betaAppClipInvocationLocalizations") {
		if title, ok := find[betaAppClipTitleAttributes](in, "betaAppClipInvocationLocalizations", id); ok {
			invocation.Titles = append(invocation.Titles, BetaAppClipInvocationLocalization{ID: id, Locale: title.Attributes.Locale, Title: title.Attributes.Title})
		}
	}
	return invocation
}

// BetaAppClipInvocations lists the invocations of an app clip's bundle.
func (c *Client) BetaAppClipInvocations(ctx context.Context, bundleID string) iter.Seq2[BetaAppClipInvocation, error] {
	return pages(ctx, c, "betaAppClipInvocations", "/v1/buildBundles/"+segment(bundleID)+"/betaAppClipInvocations", values(
		"include", "betaAppClipInvocationLocalizations", "limit[betaAppClipInvocationLocalizations]", "50", "limit", maxPageSize,
	), toBetaAppClipInvocation)
}

// CreateBetaAppClipInvocation makes an invocation with its titles by locale.
func (c *Client) CreateBetaAppClipInvocation(ctx context.Context, bundleID, url string, titles map[string]string) (BetaAppClipInvocation, error) {
	var links []linkage
	var along []newResource
	for i, locale := range slices.Sorted(maps.Keys(titles)) {
		id := fmt.Sprintf("${title-%d}", i)
		links = append(links, linkage{Type: "betaAppClipInvocationLocalizations", ID: id})
		along = append(along, newResource{Type: "betaAppClipInvocationLocalizations", ID: id, Attributes: betaAppClipTitleAttributes{Locale: locale, Title: titles[locale]}})
	}
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaAppClipInvocations", body: payload{
		Data: newResource{
			Type: "betaAppClipInvocations", Attributes: betaAppClipInvocationAttributes{URL: url},
			Relationships: map[string]link{"buildBundle": toOne("buildBundles", bundleID), "betaAppClipInvocationLocalizations": {Data: links}},
		},
		Included: along,
	}}, toBetaAppClipInvocation)
}

// DeleteBetaAppClipInvocation removes an invocation with its titles.
func (c *Client) DeleteBetaAppClipInvocation(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/betaAppClipInvocations/" + segment(id)})
}

// CreateBetaAppClipTitle writes the title of a locale that has none.
func (c *Client) CreateBetaAppClipTitle(ctx context.Context, invocationID, locale, title string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/betaAppClipInvocationLocalizations", body: payload{Data: newResource{
		Type: "betaAppClipInvocationLocalizations", Attributes: betaAppClipTitleAttributes{Locale: locale, Title: title},
		Relationships: map[string]link{"betaAppClipInvocation": toOne("betaAppClipInvocations", invocationID)},
	}}})
}

// UpdateBetaAppClipTitle replaces a title.
func (c *Client) UpdateBetaAppClipTitle(ctx context.Context, id, title string) error {
	return c.do(ctx, request{method: http.MethodPatch, path: "/v1/betaAppClipInvocationLocalizations/" + segment(id), body: payload{Data: newResource{
		Type: "betaAppClipInvocationLocalizations", ID: id, Attributes: betaAppClipTitleAttributes{Title: title},
	}}})
}
