package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// send reserves, transfers and commits. When the service has let the upload
// operations run out for good, it starts over with a new reservation, once.
func (r *run) send(ctx context.Context, p pkg, t target) (reservation, error) {
	for try := 1; ; try++ {
		res, err := stage(ctx, r, StageReserve, func(ctx context.Context) (reservation, error) { return r.reserve(ctx, p, t) })
		if err != nil {
			return reservation{}, err
		}
		err = r.stage(ctx, StageTransfer, func(ctx context.Context) error { return r.transfer(ctx, p, res) })
		if errors.Is(err, upload.ErrExpired) && try == 1 && ctx.Err() == nil {
			r.notice("the upload operations are no longer valid: making a new reservation")
			r.discard(ctx, res.uploadID)
			t.leftover = nil
			continue
		}
		if err != nil {
			return reservation{}, err
		}
		r.memory.reached(state.Committing)
		err = r.stage(ctx, StageCommit, func(ctx context.Context) error { return r.commit(ctx, res) })
		if err == nil {
			r.memory.reached(state.Committed)
		}
		return res, err
	}
}

// transferRounds is how often parts are sent again that the store took without
// saying what it got, and that turn out not to be there.
const transferRounds = 3

// transfer sends the parts that the service does not have.
func (r *run) transfer(ctx context.Context, p pkg, res reservation) error {
	r.Observer.Observe(TransferStarted{Bytes: p.Size, Parts: len(res.file.UploadOperations)})
	var result upload.Result
	var err error
	for round := 1; ; round++ {
		result, err = r.sendParts(ctx, p, res)
		if err != nil || result.Verified {
			break
		}
		var missing int
		res.file, missing, err = r.verify(ctx, res, result)
		if err != nil || missing == 0 {
			break
		}
		if round == transferRounds {
			err = &Error{
				Kind:    Transfer,
				Message: fmt.Sprintf("the service does not have %d of the %d parts, which the object store took %d times", missing, result.Parts, round),
				Hint:    "look for a proxy that answers in the object store's place (HTTPS_PROXY), then run the same command again",
			}
			break
		}
		r.notice(fmt.Sprintf("the service does not have %d of the parts that the object store took: sending them again", missing))
	}
	if err == nil {
		err = p.unchanged(ctx, result.Content)
	}
	var plan *upload.PlanError
	if errors.As(err, &plan) {
		r.discard(ctx, res.uploadID)
		return &Error{Kind: Transfer, Message: "the service's plan for the upload cannot be carried out, so nothing was sent", Hint: "run the same command again; if it repeats, report it to Apple with the build upload id " + res.uploadID, Err: err}
	}
	var part *upload.PartError
	if errors.Is(err, upload.ErrFileChanged) || errors.As(err, &part) && part.Status == http.StatusNotFound {
		r.discard(ctx, res.uploadID) // it can never be completed
	}
	return err
}

func (r *run) sendParts(ctx context.Context, p pkg, res reservation) (upload.Result, error) {
	planned := operations(res.file)
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

// verify compares what the service says it has with what was sent, for a store
// that answered without ETags: a proxy may have taken the parts instead. A
// service that tells of no part at all cannot be asked.
func (r *run) verify(ctx context.Context, res reservation, result upload.Result) (file asc.BuildUploadFile, missing int, err error) {
	file, err = r.Client.BuildUploadFile(ctx, res.file.ID)
	if err != nil {
		return file, 0, fmt.Errorf("read back the parts: %w", err)
	}
	sorted, err := upload.Validate(operations(file), result.Bytes)
	if err != nil {
		return file, 0, nil // nothing to compare with; the commit checks it
	}
	tagged := 0
	for i, op := range sorted {
		tag := strings.Trim(op.EntityTag, `"`)
		if tag != "" {
			tagged++
		}
		if i < len(result.Content) && !strings.EqualFold(tag, result.Content[i].Sum) {
			missing++
		}
	}
	if tagged == 0 {
		missing = 0
	}
	return file, missing, nil
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
