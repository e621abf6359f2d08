// Package asc is a typed client of the App Store Connect API, for the calls
// that take a build from a reservation to its testers.
//
// It knows the wire and nothing else: no terminal, no files beyond the text of
// a key, no policy about releases. A [Client] makes and renews its own tokens,
// repeats a request only where repeating it cannot do harm, follows pages, and
// returns every refusal of the service as one type, [*Error].
//
// A call ends in bounded time. Each attempt has a deadline (30 s for a read, 60 s
// for a write, two minutes for a commit), repetitions have [Options].RetryFor,
// and the deadline of the context bounds all of it. A reply that is not what was
// asked for, such as a list without a list, counts as a failed attempt: it is
// never taken for "there is nothing".
//
// Names are those of Apple's documentation. There is one file per resource.
package asc
