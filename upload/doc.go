// Package upload moves the parts of a file to the upload operations that a
// service handed out: in parallel, streamed from the file, each over its own
// HTTP/1.1 connection, and each repeated by itself when it fails.
//
// It knows nothing of App Store Connect's JSON. [Upload] is given an
// [io.ReaderAt] and the operations, and returns when every part is
// acknowledged or one of them never will be.
package upload
