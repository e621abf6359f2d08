package asc

import (
	"context"
	"iter"
)

// An App is an app record.
//
// https://developer.apple.com/documentation/appstoreconnectapi/app
type App struct {
	ID            string
	Name          string
	BundleID      string
	SKU           string
	PrimaryLocale string
}

type appAttributes struct {
	Name          string `json:"name"`
	BundleID      string `json:"bundleId"`
	SKU           string `json:"sku"`
	PrimaryLocale string `json:"primaryLocale"`
}

const appFields = "name,bundleId,sku,primaryLocale"

func toApp(r resource[appAttributes], _ included) App {
	return App{ID: r.ID, Name: r.Attributes.Name, BundleID: r.Attributes.BundleID, SKU: r.Attributes.SKU, PrimaryLocale: r.Attributes.PrimaryLocale}
}

// Apps lists the apps that the key can see. With a bundle id the service
// narrows the list, but by prefix: an app found this way may have a longer
// bundle id than asked for; see [Client.AppByBundleID].
func (c *Client) Apps(ctx context.Context, bundleID string) iter.Seq2[App, error] {
	return pages(ctx, c, "apps", "/v1/apps",
		values("filter[bundleId]", bundleID, "fields[apps]", appFields, "limit", maxPageSize), toApp)
}

// AppByBundleID returns the app with exactly that bundle id. The second result
// tells whether there is one.
func (c *Client) AppByBundleID(ctx context.Context, bundleID string) (App, bool, error) {
	for app, err := range c.Apps(ctx, bundleID) {
		if err != nil {
			return App{}, false, err
		}
		if app.BundleID == bundleID {
			return app, true, nil
		}
	}
	return App{}, false, nil
}

// App returns the app with that id (the "Apple ID" of the app record, digits).
func (c *Client) App(ctx context.Context, id string) (App, error) {
	return get(ctx, c, "apps", id, values("fields[apps]", appFields), toApp)
}
