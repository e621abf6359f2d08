package release

import (
	"context"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
)

// commit says that every part is there. An unclear answer is resolved by
// reading the state: a commit that took effect is never repeated, and one that
// did not is. It tells whether it was this run whose commit took effect, and
// returns the committed file.
func (r *run) commit(ctx context.Context, res reservation) (file asc.BuildUploadFile, byThisRun bool, err error) {
	for try := 1; ; try++ {
		file, err := r.Client.CommitBuildUploadFile(ctx, res.file.ID)
		if err == nil {
			return file, true, nil
		}
		unclear := asc.IsUnclear(err)
		byThisRun = byThisRun || unclear
		// A refusal for the state may be the echo of a commit that worked, of
		// this run or of another one with the same package. What is not found was
		// made a moment ago.
		if !unclear && !asc.IsConflict(err) && !asc.IsNotFound(err) || ctx.Err() != nil {
			return file, false, fmt.Errorf("commit the build upload file: %w", err)
		}
		if unclear {
			r.notice("the reply to the commit was lost: reading the state")
		}
		file, done, lookErr := r.committedFile(ctx, res)
		if lookErr != nil {
			return file, false, fmt.Errorf("read the state after a commit without a reply: %w", lookErr)
		}
		if done {
			return file, byThisRun, nil
		}
		if try == unclearTries || asc.IsConflict(err) {
			return file, false, fmt.Errorf("commit the build upload file: %w", err)
		}
		if err := r.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return file, false, err
		}
	}
}

// committedFile reads the file and tells whether the service has been told that
// it is complete. The build upload tells as well: either may lag.
func (r *run) committedFile(ctx context.Context, res reservation) (file asc.BuildUploadFile, done bool, err error) {
	err = r.untilVisible(ctx, "the build upload file", func() error {
		file, err = r.Client.BuildUploadFile(ctx, res.file.ID)
		return err
	})
	if err != nil || file.DeliveryState != asc.FileAwaiting && file.DeliveryState != "" {
		return file, err == nil, err
	}
	current, err := r.Client.BuildUpload(ctx, res.uploadID)
	if err != nil {
		if asc.IsNotFound(err) {
			err = nil // the file is there, and tells
		}
		return file, false, err
	}
	return file, file.AssetType != asc.AssetDescription && current.State.State != asc.UploadAwaiting && current.State.State != "", nil
}

// visibleFor is how long what was just made may be unknown to the service.
const visibleFor = time.Minute

// untilVisible repeats a read of something that is there, while the service
// says that it is not.
func (r *run) untilVisible(ctx context.Context, what string, read func() error) error {
	start := r.Now()
	for pause := time.Second; ; pause = min(2*pause, 10*time.Second) {
		err := read()
		if err == nil || !asc.IsNotFound(err) || ctx.Err() != nil || r.Now().Sub(start) >= visibleFor {
			return err
		}
		r.Observer.Observe(Waiting{For: what, State: "not visible yet", Elapsed: r.Now().Sub(start), Next: pause})
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (r *run) checkDelivery(file asc.BuildUploadFile) error {
	for _, warning := range file.DeliveryWarnings {
		r.warn(describe(warning))
	}
	if file.DeliveryState != asc.FileFailed {
		return nil
	}
	failure := &failure.Error{Kind: failure.Rejected, Message: "Apple refused the file after the upload"}
	for _, detail := range file.DeliveryErrors {
		failure.Details = append(failure.Details, describe(detail))
	}
	failure.Hint = remedy(file.DeliveryErrors)
	return failure
}

// remedy says what to do about the first of Apple's findings whose code is
// known, or nothing.
func remedy(details []asc.StateDetail) string {
	for _, detail := range details {
		if rule, ok := bundle.RuleByCode(detail.Code); ok {
			return rule.Remedy + " (rule " + rule.ID + ")"
		}
		if known := failure.ByCode(detail.Code); len(known) > 0 {
			return known[0].Hint
		}
	}
	return ""
}

// describe is a finding of Apple's in one line. A bare number is the number of
// an ITMS message.
func describe(detail asc.StateDetail) string {
	code := itms(detail.Code)
	if code == "" {
		return detail.Description
	}
	return code + ": " + detail.Description
}

func itms(code string) string {
	if len(code) == 5 && code[0] == '9' {
		return "ITMS-" + code
	}
	return code
}
