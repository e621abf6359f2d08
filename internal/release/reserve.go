package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
)

// A reservation is a place for the package at the service.
type reservation struct {
	uploadID string
	file     asc.BuildUploadFile
	created  time.Time
	// own tells that this machine made it, so that this run may remove it.
	own bool
	// contested tells that another run may be using it.
	contested bool
	// committed tells that the service has all of it already.
	committed bool
}

// unclearTries is how often a create is tried whose reply was lost and of
// which nothing can be found.
const unclearTries = 4

// reserve makes a place for the package, and lets the service check its
// description there, if it has one.
func (r *run) reserve(ctx context.Context, p pkg, t target) (reservation, error) {
	res, err := r.reservePackage(ctx, p, t)
	if err != nil || res.committed {
		return res, err
	}
	if err := r.compete(ctx, p, t, res); err != nil {
		return res, err
	}
	if p.description == nil {
		return res, nil
	}
	err = r.sendDescription(ctx, *p.description, res.uploadID)
	if failure.KindOf(err) == failure.Rejected && err != nil {
		r.discard(ctx, res.uploadID) // the package would be refused as well
	}
	return res, err
}

// reservePackage takes up the reservation that an earlier run left, or makes
// one.
func (r *run) reservePackage(ctx context.Context, p pkg, t target) (reservation, error) {
	res, ok, err := r.takeUp(ctx, p, t)
	if err != nil {
		return res, err
	}
	if !ok {
		created, err := r.createUpload(ctx, p, t)
		if err != nil {
			return reservation{}, err
		}
		r.summary.BuildUploadID = created.ID
		r.memory.reserve(t.app.ID, reservation{uploadID: created.ID}) // so that a rerun knows it as its own
		file, err := r.createFile(ctx, created.ID, packageFile(p))
		if err != nil {
			return reservation{}, err
		}
		res = reservation{uploadID: created.ID, file: file, created: created.CreatedDate, own: true}
	}
	if !res.committed {
		r.memory.reserve(t.app.ID, res)
	}
	return res, nil
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
		case errors.As(err, &apiErr) && apiErr.Has(failure.CodeDuplicate):
			return asc.BuildUpload{}, duplicate(t.app, p, apiErr)
		case !asc.IsUnclear(err) && !asc.IsFlakyNotFound(err) || ctx.Err() != nil:
			return asc.BuildUpload{}, fmt.Errorf("reserve the build upload: %w", err)
		}
		if asc.IsUnclear(err) {
			r.notice("the reply to the reservation was lost: looking whether it was made")
		}
		made, ok, lookErr := r.lostUpload(ctx, p, t)
		if lookErr != nil {
			return asc.BuildUpload{}, fmt.Errorf("look for the build upload whose reservation had no reply: %w", lookErr)
		}
		if ok {
			return made, nil
		}
		if try == unclearTries {
			return asc.BuildUpload{}, fmt.Errorf("reserve the build upload: %w", err)
		}
		if err := r.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return asc.BuildUpload{}, err
		}
	}
}

// lostUpload finds the build upload of a create whose reply was lost: one that
// was not there before and has no file.
func (r *run) lostUpload(ctx context.Context, p pkg, t target) (asc.BuildUpload, bool, error) {
	found, err := r.checkFree(ctx, t.app, p)
	if err != nil {
		return asc.BuildUpload{}, false, err
	}
	for _, u := range found.open {
		if slices.ContainsFunc(t.open, func(before asc.BuildUpload) bool { return before.ID == u.ID }) {
			continue
		}
		if _, has, err := r.assetOf(ctx, u); err != nil {
			return u, false, err
		} else if !has {
			return u, true, nil
		}
	}
	return asc.BuildUpload{}, false, nil
}

// duplicate says in Apple's words that the number is taken, and which is free.
func duplicate(app asc.App, p pkg, err *asc.Error) error {
	failure := &failure.Error{
		Kind:    failure.Conflict,
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

// createFile reserves a file. After an unclear failure it looks for what may
// have been made before it tries again. A conflict means that somebody has
// reserved a file of that type before.
func (r *run) createFile(ctx context.Context, uploadID string, wanted asc.NewBuildUploadFile) (asc.BuildUploadFile, error) {
	lost := false
	for try := 1; ; try++ {
		file, err := r.Client.CreateBuildUploadFile(ctx, uploadID, wanted)
		switch {
		case err == nil:
			return file, nil
		case asc.IsConflict(err) && lost, asc.IsUnclear(err) && ctx.Err() == nil:
		case asc.IsNotFound(err) && ctx.Err() == nil: // made a moment ago
		default:
			return asc.BuildUploadFile{}, fmt.Errorf("reserve the build upload file: %w", err)
		}
		if asc.IsUnclear(err) {
			lost = true
			r.notice("the reply to the reservation of the file was lost: looking whether it was made")
		}
		if lost {
			file, found, lookErr := r.reservedFile(ctx, uploadID, wanted)
			if lookErr != nil {
				return file, fmt.Errorf("look for the build upload file whose reservation had no reply: %w", lookErr)
			}
			if found {
				return file, nil
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

// reservedFile finds the file of a build upload that was reserved as wanted.
func (r *run) reservedFile(ctx context.Context, uploadID string, wanted asc.NewBuildUploadFile) (asc.BuildUploadFile, bool, error) {
	for existing, err := range r.Client.BuildUploadFiles(ctx, uploadID) {
		if asc.IsNotFound(err) {
			return existing, false, nil
		}
		if err != nil {
			return existing, false, err
		}
		if existing.AssetType == wanted.AssetType && existing.FileSize == wanted.FileSize {
			file, err := r.Client.BuildUploadFile(ctx, existing.ID)
			return file, err == nil, err
		}
	}
	return asc.BuildUploadFile{}, false, nil
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
