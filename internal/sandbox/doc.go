// Package sandbox simulates App Store Connect: the API and an object store, as
// two HTTP servers on loopback addresses. It is for trying ascend out, for
// rehearsing a pipeline, and for tests.
//
// It is as strict as the service is known to be: tokens, bodies and query
// parameters are checked against the contract (package contract, condensed from
// Apple's OpenAPI document), and parts against their presigned operations.
// Where nobody has seen what the service does, the sandbox does what is harder
// for a client.
//
// What the service does with a kind of resource beyond the contract is a row in
// the table of [kinds], in the file of its family. States depend on time: every
// request first advances them to the clock of [Options]. Only a server with
// webhooks looks at the clock between requests.
package sandbox
