package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/upload"
)

// A reservation is a place for the package at the service.
type reservation struct {
	uploadID string
	file     asc.BuildUploadFile
}

// unclearTries is how often a create is tried whose reply was lost and of
// which nothing can be found.
const unclearTries = 4

// reserve makes a place for the package, and lets the service check its
// description there, if it has one.
func (r *run) reserve(ctx context.Context, p pkg, t target) (reservation, error) {
	res, err := r.reservePackage(ctx, p, t)
	if err != nil || p.description == nil {
		return res, err
	}
	err = r.sendDescription(ctx, *p.description, res.uploadID)
	if KindOf(err) == Rejected && err != nil {
		r.discard(ctx, res.uploadID) // the package would be refused as well
	}
	return res, err
}

// reservePackage takes up the reservation that an earlier run left, or makes
// one.
func (r *run) reservePackage(ctx context.Context, p pkg, t target) (reservation, error) {
	if t.leftover != nil {
		res, ok, err := r.takeUp(ctx, p, t, *t.leftover)
		if err != nil {
			return res, err
		}
		if ok {
			r.memory.reserve(t.app.ID, res)
			return res, nil
		}
	}
	created, err := r.createUpload(ctx, p, t)
	if err != nil {
		return reservation{}, err
	}
	r.summary.BuildUploadID = created.ID
	file, err := r.createFile(ctx, created.ID, packageFile(p))
	if err != nil {
		return reservation{}, err
	}
	res := reservation{uploadID: created.ID, file: file}
	r.memory.reserve(t.app.ID, res)
	return res, nil
}

// takeUp attaches to a reservation, if it can still carry this package. One
// that cannot is removed: it would only be in the way.
func (r *run) takeUp(ctx context.Context, p pkg, t target, leftover asc.BuildUpload) (reservation, bool, error) {
	r.summary.BuildUploadID = leftover.ID
	switch r.plan.OnIncomplete {
	case Fail:
		return reservation{}, false, &Error{
			Kind:    Conflict,
			Message: fmt.Sprintf("an earlier run left build upload %s for %s (%s) incomplete", leftover.ID, p.ShortVersion, p.BuildVersion),
			Hint:    "leave --on-incomplete=fail out to send what is missing, or remove it: ascend uploads cancel " + leftover.ID,
		}
	case Replace:
		r.replace(ctx, leftover.ID, "it is replaced, as asked")
		return reservation{}, false, nil
	}
	if leftover.AssetFile == nil {
		file, err := r.createFile(ctx, leftover.ID, packageFile(p))
		if err != nil {
			return reservation{}, false, err
		}
		r.notice("an earlier run left build upload " + leftover.ID + " without a file: it is used")
		return reservation{uploadID: leftover.ID, file: file}, true, nil
	}
	if resumable(leftover, p) {
		file, err := r.Client.BuildUploadFile(ctx, leftover.AssetFile.ID)
		switch {
		case err == nil && (file.DeliveryState == asc.FileUploadComplete || file.DeliveryState == asc.FileComplete):
			// Committed a moment ago; the build upload will follow.
			return reservation{}, false, r.taken(t.app, p, fmt.Sprintf("build upload %s is complete", leftover.ID), "ascend wait --build-upload "+leftover.ID)
		case err == nil && file.DeliveryState != asc.FileFailed && covers(file, p.Size):
			r.notice("an earlier run left build upload " + leftover.ID + ": only what is missing there is sent")
			return reservation{uploadID: leftover.ID, file: file}, true, nil
		case err != nil && !asc.IsNotFound(err):
			return reservation{}, false, fmt.Errorf("read the build upload file that an earlier run left: %w", err)
		}
	}
	r.replace(ctx, leftover.ID, "it does not fit this package and is replaced")
	return reservation{}, false, nil
}

// replace removes a reservation that an earlier run left, if the service lets
// it: one that stays is in nobody's way.
func (r *run) replace(ctx context.Context, uploadID, why string) {
	r.notice("an earlier run left build upload " + uploadID + ": " + why)
	if err := r.Client.DeleteBuildUpload(ctx, uploadID); err != nil && !asc.IsNotFound(err) {
		r.warn(fmt.Sprintf("the build upload %s that an earlier run left cannot be removed: %v", uploadID, err))
	}
	r.memory.forget()
	r.summary.BuildUploadID = ""
}

func covers(file asc.BuildUploadFile, size int64) bool {
	_, err := upload.Validate(operations(file), size)
	return err == nil
}

// createUpload reserves a build upload. After an unclear failure it looks for
// what may have been made before it tries again.
func (r *run) createUpload(ctx context.Context, p pkg, t target) (asc.BuildUpload, error) {
	for try := 1; ; try++ {
		created, err := r.Client.CreateBuildUpload(ctx, t.app.ID, asc.NewBuildUpload{
			CFBundleShortVersionString: p.ShortVersion, CFBundleVersion: p.BuildVersion, Platform: asc.Platform(p.Platform),
		})
		var apiErr *asc.Error
		switch {
		case err == nil:
			return created, nil
		case errors.As(err, &apiErr) && apiErr.Has(codeDuplicate):
			return asc.BuildUpload{}, duplicate(t.app, p, apiErr)
		case !asc.IsUnclear(err) || ctx.Err() != nil:
			return asc.BuildUpload{}, fmt.Errorf("reserve the build upload: %w", err)
		}
		r.notice("the reply to the reservation was lost: looking whether it was made")
		found, lookErr := r.checkFree(ctx, t.app, p)
		if lookErr != nil {
			return asc.BuildUpload{}, fmt.Errorf("look for the build upload whose reservation had no reply: %w", lookErr)
		}
		if found.leftover != nil {
			return *found.leftover, nil
		}
		if try == unclearTries {
			return asc.BuildUpload{}, fmt.Errorf("reserve the build upload: %w", err)
		}
		if err := r.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return asc.BuildUpload{}, err
		}
	}
}

// duplicate says in Apple's words that the number is taken, and which is free.
func duplicate(app asc.App, p pkg, err *asc.Error) error {
	failure := &Error{
		Kind:    Conflict,
		Message: fmt.Sprintf("Apple refuses build number %s for %s %s on %s", p.BuildVersion, app.BundleID, p.ShortVersion, p.Platform),
		Hint:    "raise the build number (CFBundleVersion) and export again",
		Err:     err,
	}
	for _, detail := range err.Details {
		if previous, ok := detail.Meta["previousBundleVersion"]; ok {
			failure.Hint = fmt.Sprintf("raise the build number (CFBundleVersion) above %v, the highest there is, and export again", previous)
		}
	}
	return failure
}

// packageFile is what the reservation of the package's file needs.
func packageFile(p pkg) asc.NewBuildUploadFile {
	return asc.NewBuildUploadFile{AssetType: asc.AssetPackage, FileName: filepath.Base(p.Path), FileSize: p.Size, UTI: uti(p.Kind)}
}

// createFile reserves a file, or finds the one of its type that was reserved.
func (r *run) createFile(ctx context.Context, uploadID string, wanted asc.NewBuildUploadFile) (asc.BuildUploadFile, error) {
	for try := 1; ; try++ {
		file, err := r.Client.CreateBuildUploadFile(ctx, uploadID, wanted)
		switch {
		case err == nil:
			return file, nil
		case !asc.IsUnclear(err) && !asc.IsConflict(err) || ctx.Err() != nil:
			return asc.BuildUploadFile{}, fmt.Errorf("reserve the build upload file: %w", err)
		}
		if asc.IsUnclear(err) {
			r.notice("the reply to the reservation of the file was lost: looking whether it was made")
		}
		for existing, lookErr := range r.Client.BuildUploadFiles(ctx, uploadID) {
			if lookErr != nil {
				return asc.BuildUploadFile{}, fmt.Errorf("look for the build upload file whose reservation had no reply: %w", lookErr)
			}
			if existing.AssetType == wanted.AssetType && existing.FileSize == wanted.FileSize {
				return r.Client.BuildUploadFile(ctx, existing.ID)
			}
		}
		if try == unclearTries || asc.IsConflict(err) {
			return asc.BuildUploadFile{}, fmt.Errorf("reserve the build upload file: %w", err)
		}
		if err := r.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return asc.BuildUploadFile{}, err
		}
	}
}

// uti is the uniform type identifier that the service wants for a package.
func uti(kind bundle.Kind) string {
	switch kind {
	case bundle.PKG:
		return asc.UTIPkg
	case bundle.ZIP:
		return asc.UTIZip
	}
	return asc.UTIIpa
}

// discard gives a reservation back that can never be used, also when the run
// has been cancelled.
func (r *run) discard(ctx context.Context, uploadID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpFor)
	defer cancel()
	if err := r.Client.DeleteBuildUpload(ctx, uploadID); err != nil && !asc.IsNotFound(err) {
		r.warn(fmt.Sprintf("the reservation %s cannot be removed: %v", uploadID, err))
		return
	}
	r.summary.BuildUploadID = ""
	r.memory.forget()
	r.notice("the reservation " + uploadID + " was removed")
}
