package release

import (
	"context"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
)

// commit says that every part is there. An unclear answer is resolved by
// reading the state: a commit that took effect is never repeated, and one that
// did not is.
func (r *run) commit(ctx context.Context, res reservation) error {
	for try := 1; ; try++ {
		file, err := r.Client.CommitBuildUploadFile(ctx, res.file.ID)
		if err == nil {
			return r.checkDelivery(file)
		}
		// A refusal for the state may be the echo of a commit that worked, of
		// this run or of another one with the same package.
		if !asc.IsUnclear(err) && !asc.IsConflict(err) || ctx.Err() != nil {
			return fmt.Errorf("commit the build upload file: %w", err)
		}
		if asc.IsUnclear(err) {
			r.notice("the reply to the commit was lost: reading the state")
		}
		done, lookErr := r.committed(ctx, res)
		if lookErr != nil {
			return fmt.Errorf("read the state after a commit without a reply: %w", lookErr)
		}
		if done {
			return nil
		}
		if try == unclearTries || asc.IsConflict(err) {
			return fmt.Errorf("commit the build upload file: %w", err)
		}
		if err := r.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return err
		}
	}
}

func (r *run) committed(ctx context.Context, res reservation) (bool, error) {
	current, err := r.Client.BuildUpload(ctx, res.uploadID)
	if err != nil {
		return false, err
	}
	if current.State.State != asc.UploadAwaiting {
		return true, nil
	}
	file, err := r.Client.BuildUploadFile(ctx, res.file.ID)
	if err != nil {
		return false, err
	}
	return file.DeliveryState != asc.FileAwaiting && file.DeliveryState != "", nil
}

func (r *run) checkDelivery(file asc.BuildUploadFile) error {
	for _, warning := range file.DeliveryWarnings {
		r.warn(describe(warning))
	}
	if file.DeliveryState != asc.FileFailed {
		return nil
	}
	failure := &Error{Kind: Rejected, Message: "Apple refused the file after the upload"}
	for _, detail := range file.DeliveryErrors {
		failure.Details = append(failure.Details, describe(detail))
	}
	failure.Hint = remedy(file.DeliveryErrors)
	return failure
}

// remedy says what to do about the first of Apple's findings whose code belongs
// to a rule, or nothing.
func remedy(details []asc.StateDetail) string {
	for _, detail := range details {
		if rule, ok := bundle.RuleByCode(detail.Code); ok {
			return rule.Remedy + " (rule " + rule.ID + ")"
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
