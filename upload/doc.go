// Package upload moves the parts of a file to the upload operations that a
// service handed out: in parallel, streamed from the file, each over its own
// HTTP/1.1 connection, and each sent again on its own when it fails.
//
// [Upload] is given an [io.ReaderAt] and the upload operations, and returns
// when every part is acknowledged or one of them cannot be sent:
//
//	result, err := upload.Upload(ctx, file, size, operations, upload.Options{})
//
// The package does not know App Store Connect's JSON; see the asc package for
// that.
//
// # Parts in flight
//
// A [Pool] decides how many parts are in flight. It adapts to the link, and
// uploads at the same time share one. A [Transport] opens connections ahead of
// need, and so does whatever wraps it as a [Preconnector].
//
// # Failures
//
// A part that fails is sent again, after a pause that grows. An operation that
// the store refuses as expired is read again by Options.Refresh. What is final
// is a [*PlanError], before anything is sent, or a [*PartError].
//
// # Comparing
//
// [Compare], [Check] and [Sums] compare a file with what a store was sent or
// says it has. They use MD5, with which stores acknowledge parts: it guards
// against accidents, not against an attacker.
package upload
