package release

import (
	"context"
	"fmt"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// Uploads lists the build uploads of an app, named by bundle id or Apple ID,
// newest first.
func (r *Runner) Uploads(ctx context.Context, app string, filter asc.BuildUploadFilter) (asc.App, []asc.BuildUpload, error) {
	run := r.start(Plan{App: app})
	found, err := run.app(ctx, app)
	if err != nil {
		return asc.App{}, nil, err
	}
	uploads, err := asc.Collect(r.Client.BuildUploads(ctx, found.ID, filter))
	if err != nil {
		return found, nil, fmt.Errorf("list the build uploads of %s: %w", found.BundleID, err)
	}
	return found, uploads, nil
}

// An UploadDetail is a build upload with how much of its package is there.
type UploadDetail struct {
	asc.BuildUpload
	// Parts is the number of the package's parts, Stored how many the object
	// store has, StoredBytes how much that is. They are zero once the upload is
	// committed.
	Parts, Stored int
	StoredBytes   int64
}

// UploadDetail reads one build upload.
func (r *Runner) UploadDetail(ctx context.Context, id string) (UploadDetail, error) {
	found, err := r.Client.BuildUpload(ctx, id)
	if asc.IsNotFound(err) {
		return UploadDetail{}, noSuchUpload(id, err)
	}
	if err != nil {
		return UploadDetail{}, fmt.Errorf("read build upload %s: %w", id, err)
	}
	detail := UploadDetail{BuildUpload: found}
	if found.AssetFile == nil {
		return detail, nil
	}
	file, err := r.Client.BuildUploadFile(ctx, found.AssetFile.ID)
	if err != nil {
		return detail, fmt.Errorf("read the file of build upload %s: %w", id, err)
	}
	detail.AssetFile = &file
	for _, op := range file.UploadOperations {
		detail.Parts++
		if op.EntityTag != "" {
			detail.Stored++
			detail.StoredBytes += op.Length
		}
	}
	return detail, nil
}

func noSuchUpload(id string, err error) error {
	return &failure.Error{Kind: failure.NotFound, Message: "there is no build upload " + id, Hint: "ascend uploads list --app BUNDLE_ID shows those there are", Err: err}
}

// Cancel removes a build upload that was not committed, or that failed, and
// what this machine remembers of it.
func (r *Runner) Cancel(ctx context.Context, id string) error {
	err := r.Client.DeleteBuildUpload(ctx, id)
	switch {
	case asc.IsNotFound(err):
		err = noSuchUpload(id, err)
	case asc.IsConflict(err):
		err = &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf("build upload %s cannot be cancelled", id), Hint: "Apple has the package already; a build can be expired in App Store Connect once it is processed", Err: err}
	case err != nil:
		return fmt.Errorf("cancel build upload %s: %w", id, err)
	}
	if r.State != nil && !asc.IsConflict(err) {
		records, listErr := r.State.List()
		for _, record := range records {
			if record.BuildUploadID == id && listErr == nil {
				listErr = r.State.Remove(record.Key)
			}
		}
	}
	return err
}
