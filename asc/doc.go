// Package asc is a typed client of the App Store Connect API, for the calls
// that take a build from a reservation to its testers.
//
// It knows the wire and nothing else: no terminal, no files beyond the text of
// a key, no policy about releases. A [Client] makes and renews its own tokens,
// repeats a request only where repeating it cannot do harm, follows pages, and
// returns every refusal of the service as one type, [*Error].
//
// Names are those of Apple's documentation. There is one file per resource.
package asc
