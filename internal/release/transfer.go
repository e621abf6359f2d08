package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// sent is a package whose parts the object store has taken.
type sent struct {
	reservation
	// content are the parts with the MD5 of what was sent of each.
	content []upload.Part
}

// send reserves, transfers and commits. When the service has let the upload
// operations run out for good, it starts over with a new reservation, once.
func (r *run) send(ctx context.Context, p pkg, t target) (reservation, error) {
	for try := 1; ; try++ {
		res, err := stage(ctx, r, StageReserve, func(ctx context.Context) (reservation, error) { return r.reserve(ctx, p, t) })
		if err != nil || res.committed {
			return res, err
		}
		s, err := stage(ctx, r, StageTransfer, func(ctx context.Context) (sent, error) {
			if res.contested {
				if err := r.stillIdle(ctx, p, res); err != nil {
					return sent{}, err
				}
			}
			return r.transfer(ctx, p, res)
		})
		if errors.Is(err, upload.ErrExpired) && try == 1 && ctx.Err() == nil {
			r.notice("the upload operations are no longer valid: making a new reservation")
			r.discard(ctx, res.uploadID)
			r.abandoned = append(r.abandoned, res.uploadID) // nobody can complete it
			t.open = nil
			continue
		}
		if err != nil {
			return reservation{}, err
		}
		r.memory.reached(state.Committing)
		err = r.stage(ctx, StageCommit, func(ctx context.Context) error { return r.complete(ctx, p, t, s) })
		if err == nil {
			r.memory.reached(state.Committed)
		}
		return res, err
	}
}

// transfer sends the parts that the service does not have.
func (r *run) transfer(ctx context.Context, p pkg, res reservation) (sent, error) {
	s := sent{reservation: res}
	result, err := r.sendParts(ctx, p, res)
	if err == nil {
		err = p.unchanged(ctx, result.Content)
	}
	s.content = result.Content
	if err == nil {
		return s, nil
	}
	return s, r.transferFailure(ctx, p, res, err)
}

// transferFailure gives a reservation back that can never be completed, and
// says why.
func (r *run) transferFailure(ctx context.Context, p pkg, res reservation, err error) error {
	var plan *upload.PlanError
	var part *upload.PartError
	switch {
	case errors.As(err, &plan):
		if res.own {
			r.discard(ctx, res.uploadID)
		}
		return &failure.Error{
			Kind: failure.Transfer, Message: "the service's plan for the upload cannot be carried out, so nothing was sent",
			Hint: "run the same command again; if it repeats, report it to Apple with the build upload id " + res.uploadID, Err: err,
		}
	case errors.As(err, &part) && part.Status == http.StatusNotFound:
		return r.partNotFound(ctx, p, res, err)
	case errors.Is(err, upload.ErrFileChanged) && res.own:
		r.discard(ctx, res.uploadID)
	}
	return err
}

// partNotFound is about an object store that knows nothing of the upload any
// more: another run has committed or removed it, or it can never be completed.
func (r *run) partNotFound(ctx context.Context, p pkg, res reservation, err error) error {
	current, lookErr := r.Client.BuildUpload(ctx, res.uploadID)
	switch {
	case lookErr == nil && current.State.State != asc.UploadAwaiting:
		return &failure.Error{
			Kind:    failure.Conflict,
			Message: fmt.Sprintf("another run has committed build upload %s for %s (%s) while this one was sending it", res.uploadID, p.ShortVersion, p.BuildVersion),
			Hint:    "run the same command again: it goes on if that was the same package", Err: err,
		}
	case asc.IsNotFound(lookErr):
		return removed(res.uploadID, err)
	}
	if res.own {
		r.discard(ctx, res.uploadID)
	}
	return err
}

// removed is the error of a build upload that is gone before its commit.
func removed(uploadID string, err error) error {
	return &failure.Error{
		Kind:    failure.Conflict,
		Message: fmt.Sprintf("build upload %s was removed while it was being sent, by another run or with uploads cancel", uploadID),
		Hint:    "run the same command again", Err: err,
	}
}

// sendParts sends what the entity tags of the reservation's operations do not
// acknowledge.
func (r *run) sendParts(ctx context.Context, p pkg, res reservation) (upload.Result, error) {
	planned := operations(res.file)
	r.Observer.Observe(TransferStarted{Bytes: p.Size, Parts: len(planned)})
	result, err := upload.Upload(ctx, p.file, p.Size, planned, upload.Options{
		Pool:         r.Pool,
		Transport:    r.Transport,
		Limit:        r.Limit,
		RetryFor:     r.RetryFor,
		StallTimeout: r.StallTimeout,
		ReplyTimeout: r.ReplyTimeout,
		Observer:     parts{r.Observer, r.memory},
		Sums:         r.memory.sums(planned),
		Refresh: func(ctx context.Context) ([]upload.Operation, error) {
			file, err := r.Client.BuildUploadFile(ctx, res.file.ID)
			if asc.IsNotFound(err) {
				return nil, upload.ErrExpired
			}
			return operations(file), err
		},
		Now:   r.Now,
		Sleep: r.Sleep,
	})
	r.memory.flush()
	r.summary.Parts = result.Parts
	r.summary.Retries += result.Retries
	r.summary.ResumedParts = max(r.summary.ResumedParts, result.Resumed)
	return result, err
}

// operations translates the API's upload operations into the uploader's.
func operations(file asc.BuildUploadFile) []upload.Operation {
	out := make([]upload.Operation, len(file.UploadOperations))
	for i, op := range file.UploadOperations {
		headers := make([]upload.Header, len(op.Headers))
		for j, h := range op.Headers {
			headers[j] = upload.Header(h)
		}
		out[i] = upload.Operation{
			Method: op.Method, URL: op.URL, Headers: headers, Offset: op.Offset, Length: op.Length,
			PartNumber: op.PartNumber, EntityTag: op.EntityTag, Expiration: op.Expiration,
		}
	}
	return out
}
