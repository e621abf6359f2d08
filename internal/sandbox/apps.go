package sandbox

import "strings"

func appKinds() map[string]kind {
	return map[string]kind{
		"apps": {
			singular: "app",
			inverse:  map[string]string{"betaTesters": "apps"},
			filters: map[string]func(*resource, string) bool{
				// As seen on the service.
				"bundleId": func(app *resource, value string) bool { return strings.HasPrefix(app.text("bundleId"), value) },
			},
		},
	}
}
