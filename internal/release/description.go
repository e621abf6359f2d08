package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// NoDescription as a plan's AssetDescription sends none, also where one lies
// beside the package.
const NoDescription = "none"

// describe reads the package's description: the one that is asked for, or the
// one that lies beside it. One that is not this package's is an error if it
// was asked for, and left out otherwise.
func (r *run) describe(p pkg) (*bundle.Description, error) {
	path, asked := r.plan.AssetDescription, true
	switch path {
	case NoDescription:
		return nil, nil
	case "":
		path, asked = filepath.Join(filepath.Dir(p.Path), bundle.DescriptionName), false
		if stat, err := os.Stat(path); err != nil || !stat.Mode().IsRegular() {
			return nil, nil
		}
	}
	d, err := bundle.ReadDescription(path)
	if err == nil {
		if why := d.Contradicts(p.BundleID, p.ShortVersion, p.BuildVersion); why != "" {
			err = &failure.Error{Kind: failure.InvalidPackage, Message: path + " is not the description of this package: " + why, Hint: "use the one that was made with this package, or leave it out with --asset-description none"}
		}
	}
	switch {
	case err != nil && asked:
		return nil, err
	case err != nil:
		r.warn(fmt.Sprintf("%v: it is not sent", err))
		return nil, nil
	}
	return &d, nil
}

// sendDescription sends and commits the description. The service checks it at
// once, so what it refuses comes before the package is sent.
func (r *run) sendDescription(ctx context.Context, d bundle.Description, uploadID string) error {
	size := int64(len(d.Content))
	wanted := asc.NewBuildUploadFile{AssetType: asc.AssetDescription, FileName: filepath.Base(d.Path), FileSize: size, UTI: descriptionUTI(d)}
	file, err := r.createFile(ctx, uploadID, wanted)
	if asc.IsConflict(err) { // an earlier run reserved it
		var found bool
		if file, found, err = r.reservedFile(ctx, uploadID, wanted); err == nil && !found {
			err = &failure.Error{Kind: failure.Conflict, Message: "build upload " + uploadID + " has another asset description", Hint: "leave it out with --asset-description none"}
		}
	}
	if err != nil {
		return err
	}
	if file.DeliveryState != asc.FileAwaiting {
		return nil // an earlier run sent it
	}
	_, err = upload.Upload(ctx, bytes.NewReader(d.Content), size, operations(file), upload.Options{
		Pool: r.Pool, Transport: r.Transport, Limit: r.Limit, RetryFor: r.RetryFor, StallTimeout: r.StallTimeout, ReplyTimeout: r.ReplyTimeout,
		Refresh: func(ctx context.Context) ([]upload.Operation, error) {
			again, err := r.Client.BuildUploadFile(ctx, file.ID)
			return operations(again), err
		},
		Now: r.Now, Sleep: r.Sleep,
	})
	if err != nil {
		return fmt.Errorf("send the asset description: %w", err)
	}
	_, _, err = r.commit(ctx, reservation{uploadID: uploadID, file: file})
	var apiErr *asc.Error
	if errors.As(err, &apiErr) && apiErr.Has(failure.CodeValidation) {
		failure := &failure.Error{Kind: failure.Rejected, Message: "Apple refuses the package by its description, before it is sent", Hint: "mend what Apple names and export again; if the description is wrong, leave it out with --asset-description none"}
		for _, detail := range apiErr.Details {
			failure.Details = append(failure.Details, detail.String())
		}
		return failure
	}
	if err != nil {
		return fmt.Errorf("commit the asset description: %w", err)
	}
	r.notice("Apple has checked " + filepath.Base(d.Path) + " and takes the package")
	return nil
}

func descriptionUTI(d bundle.Description) string {
	if d.Binary {
		return asc.UTIBinaryPlist
	}
	return asc.UTIXMLPlist
}
