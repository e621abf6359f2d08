// Package sandbox is an App Store Connect that fits into the binary: the API
// and an object store, as two HTTP servers on loopback addresses. It is there
// for trying out, for rehearsing a pipeline, and for tests.
//
// It is as strict as the service is known to be: tokens, bodies and query
// parameters are checked against the contract (package contract,
// condensed from Apple's OpenAPI document), and parts against their presigned operations.
// Where nobody has seen what the service does, it takes the harder way.
//
// States move with time: every request first advances the world to the clock
// of [Options]. There are no background jobs.
package sandbox
