package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

const (
	// compareRounds is how often parts are compared before a run gives up on
	// them.
	compareRounds = 3
	// tagDelay is the pause before entity tags are read once more that do not
	// show what the object store has acknowledged.
	tagDelay = time.Second
	// compositePatience is how long the service is asked for the composite
	// checksum where only that can prove whose object it is.
	compositePatience = 30 * time.Second
)

// complete commits what was sent, if it is provably the package. It compares
// every part with what the service says it has, sends again what differs, and
// commits only then.
func (r *run) complete(ctx context.Context, p pkg, t target, s sent) error {
	err := r.commitCompared(ctx, p, t, s)
	if asc.IsNotFound(err) {
		return removed(s.uploadID, err)
	}
	return err
}

func (r *run) commitCompared(ctx context.Context, p pkg, t target, s sent) error {
	for round := 1; ; round++ {
		if err := r.compete(ctx, p, t, s.reservation); err != nil {
			return err
		}
		c, file, err := r.compare(ctx, s)
		if err != nil {
			return err
		}
		if s.contested && c.Different > 0 && !s.own {
			return r.inUse(p, asc.BuildUpload{ID: s.uploadID}, "belongs to another run, which has come back to it")
		}
		s.contested = s.contested || c.Different > 0
		if committed(file) { // by another run that shares the reservation
			s.contested = true
			return r.checkObject(ctx, s, file, c)
		}
		refusal := error(nil)
		if c.Complete() || !c.Told() {
			file, byThisRun, err := r.commit(ctx, s.reservation)
			if err == nil {
				s.contested = s.contested || !byThisRun
				return r.checkObject(ctx, s, file, c)
			}
			if !partsMissing(err) {
				return err
			}
			refusal = err
		}
		if round == compareRounds {
			return notTheParts(c, round, refusal)
		}
		if s, err = r.sendAgain(ctx, p, s, file, c, refusal); err != nil {
			return err
		}
	}
}

// compare reads the operations again and holds their entity tags against what
// was sent. Tags that lag are read once more.
func (r *run) compare(ctx context.Context, s sent) (upload.Comparison, asc.BuildUploadFile, error) {
	for again := false; ; again = true {
		var file asc.BuildUploadFile
		err := r.untilVisible(ctx, "the build upload file", func() (err error) {
			file, err = r.Client.BuildUploadFile(ctx, s.file.ID)
			return err
		})
		if err != nil {
			return upload.Comparison{}, file, fmt.Errorf("read back the parts: %w", err)
		}
		if committed(file) {
			return upload.Comparison{}, file, nil
		}
		c, err := upload.Compare(operations(file), s.content)
		if err != nil {
			return upload.Comparison{Parts: len(s.content), Silent: len(s.content)}, file, nil // nothing to compare with
		}
		if c.Complete() || again {
			return c, file, nil
		}
		if err := r.Sleep(ctx, tagDelay); err != nil {
			return c, file, err
		}
	}
}

// sendAgain sends the parts that the service does not have, going by the file as
// it was compared, or read again after a refusal. Where the service does not tell
// which those are, it sends all.
func (r *run) sendAgain(
	ctx context.Context, p pkg, s sent, file asc.BuildUploadFile, c upload.Comparison, refusal error,
) (sent, error) {
	if refusal == nil {
		r.notice(fmt.Sprintf("the service does not have %d of the parts that the object store took: sending them again", c.Parts-c.Same))
	} else {
		r.notice("the commit was refused because parts are missing: reading the operations and sending them again")
		var err error
		if file, err = r.Client.BuildUploadFile(ctx, s.file.ID); err != nil {
			return s, fmt.Errorf("read the upload operations again: %w", err)
		}
		if committed(file) {
			return s, nil // the next round sees it
		}
	}
	res := s.reservation
	res.file = file
	again, err := r.transfer(ctx, p, res)
	again.contested = s.contested
	return again, err
}

// notTheParts is the error of parts that stay different or missing.
func notTheParts(c upload.Comparison, rounds int, refusal error) error {
	failure := &failure.Error{
		Kind:    failure.Transfer,
		Message: fmt.Sprintf("the service does not have %d of the %d parts, which the object store took %d times", c.Parts-c.Same, c.Parts, rounds),
		Hint:    "look for a proxy that answers in the object store's place (HTTPS_PROXY), then run the same command again",
		Err:     refusal,
	}
	switch {
	case c.Different > 0:
		failure.Message = fmt.Sprintf("%d of the %d parts at the service are not this package's, after they were sent %d times", c.Different, c.Parts, rounds)
		failure.Hint = "another run seems to be sending another package with the same numbers: stop it, then run the same command again"
	case refusal != nil:
		failure.Message = fmt.Sprintf("the service says that parts are missing, after all were sent %d times", rounds)
	}
	return failure
}

// checkObject holds the composite checksum of the committed object against the
// package, where the service gives one.
func (r *run) checkObject(ctx context.Context, s sent, file asc.BuildUploadFile, c upload.Comparison) error {
	r.summary.Verified = c.Complete()
	if err := r.checkDelivery(file); err != nil {
		return err
	}
	if _, ok := upload.ParseComposite(compositeHash(file)); !ok && s.contested && !c.Complete() {
		var err error
		if file, err = r.awaitComposite(ctx, s); err != nil {
			return err
		}
	}
	matches, err := r.checkComposite(s, file)
	if matches || err != nil {
		return err
	}
	if s.contested && !c.Complete() {
		return &failure.Error{
			Kind:    failure.Conflict,
			Message: fmt.Sprintf("another run has committed build upload %s, and nothing proves that it is this package", s.uploadID),
			Hint:    "look at the other run; if it has sent the same package, go on with ascend distribute --build-upload " + s.uploadID,
		}
	}
	r.object = &s // the checksum may come later
	return nil
}

// awaitComposite reads a committed file until it has its composite checksum,
// for a while.
func (r *run) awaitComposite(ctx context.Context, s sent) (asc.BuildUploadFile, error) {
	start := r.Now()
	for {
		file, err := r.Client.BuildUploadFile(ctx, s.file.ID)
		if err != nil {
			return file, fmt.Errorf("read the committed file: %w", err)
		}
		if _, ok := upload.ParseComposite(compositeHash(file)); ok || r.Now().Sub(start) >= compositePatience {
			return file, nil
		}
		if err := r.Sleep(ctx, 3*time.Second); err != nil {
			return file, err
		}
	}
}

// checkComposite compares the composite checksum of a committed file. An equal
// one proves that it is the package. Another number of parts or part size
// proves that it is not. Another hash is a warning as long as no other run was
// involved, since how the parts' hashes are joined is an assumption.
func (r *run) checkComposite(s sent, file asc.BuildUploadFile) (matches bool, err error) {
	got, ok := upload.ParseComposite(compositeHash(file))
	if !ok {
		return false, nil
	}
	want := upload.CompositeOf(s.content)
	switch {
	case got == want:
		r.summary.Verified = true
		return true, nil
	case got.Parts != want.Parts || got.PartSize != want.PartSize, s.contested:
		r.summary.Verified = false
		return false, &failure.Error{
			Kind:    failure.Conflict,
			Message: fmt.Sprintf("build upload %s does not hold this package: its checksum is %s, and that of the package is %s", s.uploadID, got, want),
			Hint:    "another run has sent another package with the same numbers, so nothing is distributed: raise the build number and export again",
		}
	}
	r.warn(fmt.Sprintf("the service's checksum of the package (%s) is not the one that ascend expects (%s); the parts were compared one by one", got, want))
	return false, nil
}

// partsMissing tells whether a commit was refused for what the object store
// has, as opposed to what is in the package.
func partsMissing(err error) bool {
	var apiErr *asc.Error
	return errors.As(err, &apiErr) && asc.IsConflict(err) && apiErr.Has(failure.CodeState) && !apiErr.Has(failure.CodeValidation)
}
