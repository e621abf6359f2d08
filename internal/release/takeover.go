package release

import (
	"context"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// takeUp goes through the reservations that are there already, the oldest
// first. It takes over the first that can carry the package, and removes those
// before it that are provably abandoned: an older one would win against any
// that this run makes. Younger ones lose by themselves.
func (r *run) takeUp(ctx context.Context, p pkg, t target) (reservation, bool, error) {
	for _, u := range t.open {
		r.summary.BuildUploadID = u.ID
		if r.plan.OnIncomplete == Fail {
			return reservation{}, false, &failure.Error{
				Kind:    failure.Conflict,
				Message: fmt.Sprintf("an earlier run left build upload %s for %s (%s) incomplete", u.ID, p.ShortVersion, p.BuildVersion),
				Hint:    "leave --on-incomplete=fail out to send what is missing, or remove it: ascend uploads cancel " + u.ID,
			}
		}
		res, ok, err := r.takeUpOne(ctx, p, t, u)
		if err != nil || ok {
			return res, ok, err
		}
	}
	r.summary.BuildUploadID = ""
	return reservation{}, false, nil
}

// takeUpOne does with one reservation what the decision table says.
func (r *run) takeUpOne(ctx context.Context, p pkg, t target, u asc.BuildUpload) (reservation, bool, error) {
	for {
		seen, err := r.sight(ctx, u)
		if err != nil {
			return reservation{}, false, err
		}
		if committed(seen.file) { // a moment ago; the build upload will follow
			found, err := r.committedBefore(ctx, t.app, p, u)
			return reservation{uploadID: u.ID, file: seen.file, committed: true}, err == nil && found.sent != nil, err
		}
		e, err := r.weigh(ctx, p, r.memory.reserved(u.ID), seen)
		if err != nil {
			return reservation{}, false, err
		}
		decided := judge(e)
		if r.plan.OnIncomplete == Replace {
			if decided = removeIdle; e.own {
				decided = remove
			}
		}
		switch decided {
		case takeOver:
			return r.attach(ctx, p, u, e, seen.file)
		case remove:
			why := "it does not fit this package and is replaced"
			if r.plan.OnIncomplete == Replace {
				why = "it is replaced, as asked"
			}
			r.replace(ctx, u.ID, why)
			return reservation{}, false, nil
		case takeOverIdle:
			changed, err := r.watch(ctx, u, seen, takeOverAfter)
			if err != nil {
				return reservation{}, false, err
			}
			if changed {
				continue
			}
			res, ok, err := r.attach(ctx, p, u, e, seen.file)
			res.contested = true // that it is of this package was never proved
			return res, ok, err
		case removeIdle:
			return reservation{}, false, r.removeAbandoned(ctx, p, u, seen)
		}
	}
}

// stillIdle makes sure, right before the first part is sent, that the run which
// made a reservation has not come back to it with another package.
func (r *run) stillIdle(ctx context.Context, p pkg, res reservation) error {
	u := asc.BuildUpload{ID: res.uploadID, AssetFile: &res.file}
	seen, err := r.sight(ctx, u)
	if err != nil {
		return err
	}
	e, err := r.weigh(ctx, p, false, seen)
	if err != nil {
		return err
	}
	if !seen.found {
		return removed(res.uploadID, nil)
	}
	if e.differing > 0 || committed(seen.file) {
		return r.inUse(p, u, "is receiving another package right now")
	}
	return nil
}

// removeAbandoned removes the reservation of another package once nothing has
// changed there for long enough, and is a conflict until then.
func (r *run) removeAbandoned(ctx context.Context, p pkg, u asc.BuildUpload, seen sighting) error {
	if age := r.Now().Sub(u.CreatedDate); age < removeAfter {
		return r.inUse(p, u, "was made "+max(age, 0).Round(time.Second).String()+" ago for another package")
	}
	changed, err := r.watch(ctx, u, seen, removeAfter)
	switch {
	case err != nil:
		return err
	case changed:
		if now, err := r.sight(ctx, u); err != nil || !now.found {
			return err // the run that made it has removed it
		}
		return r.inUse(p, u, "is receiving another package right now")
	}
	r.replace(ctx, u.ID, fmt.Sprintf("it is of another package and nothing has changed there for %s, so it is removed", removeAfter))
	return nil
}

// attach makes a reservation of a build upload that is there already.
func (r *run) attach(ctx context.Context, p pkg, u asc.BuildUpload, e evidence, file asc.BuildUploadFile) (reservation, bool, error) {
	if e.file {
		r.notice("an earlier run left build upload " + u.ID + ": only what is missing there is sent")
		return reservation{uploadID: u.ID, file: file, own: e.own}, true, nil
	}
	file, err := r.createFile(ctx, u.ID, packageFile(p))
	if asc.IsConflict(err) || asc.IsNotFound(err) {
		if _, lookErr := r.Client.BuildUpload(ctx, u.ID); asc.IsNotFound(lookErr) {
			return reservation{}, false, nil // the run that made it has removed it
		}
	}
	if asc.IsConflict(err) {
		return reservation{}, false, r.inUse(p, u, "has just got its file")
	}
	if err != nil {
		return reservation{}, false, err
	}
	r.notice("an earlier run left build upload " + u.ID + " without a file: it is used")
	return reservation{uploadID: u.ID, file: file, own: e.own}, true, nil
}

// watch looks at a reservation until something changes there or nothing has
// for the time given, and counts down meanwhile.
func (r *run) watch(ctx context.Context, u asc.BuildUpload, before sighting, idleFor time.Duration) (changed bool, err error) {
	start := r.Now()
	r.notice(fmt.Sprintf("build upload %s of another run has the same numbers: it is used or removed only once nothing has changed there for %s",
		u.ID, idleFor))
	for {
		left := idleFor - r.Now().Sub(start)
		if left <= 0 {
			return false, nil
		}
		pause := min(watchEvery, left)
		r.Observer.Observe(Waiting{
			For: "build upload " + u.ID, State: fmt.Sprintf("unchanged, %s to go", left.Round(time.Second)), Elapsed: r.Now().Sub(start), Next: pause,
		})
		if err := r.Sleep(ctx, pause); err != nil {
			return false, err
		}
		now, err := r.sight(ctx, u)
		if err != nil {
			return false, err
		}
		if now.fingerprint != before.fingerprint {
			return true, nil
		}
	}
}

// inUse is the error of a reservation that another run is filling.
func (r *run) inUse(p pkg, u asc.BuildUpload, how string) error {
	return &failure.Error{
		Kind:    failure.Conflict,
		Message: fmt.Sprintf("another run is uploading %s (%s): build upload %s %s", p.ShortVersion, p.BuildVersion, u.ID, how),
		Hint: fmt.Sprintf("let it end, or raise the build number; if it was killed, run this again: it is replaced once nothing has changed there for %s, or at once after ascend uploads cancel %s",
			removeAfter, u.ID),
	}
}

// replace removes a reservation that nobody uses. One that cannot be removed
// would win against that of this run.
func (r *run) replace(ctx context.Context, uploadID, why string) {
	r.notice("an earlier run left build upload " + uploadID + ": " + why)
	if err := r.Client.DeleteBuildUpload(ctx, uploadID); err != nil && !asc.IsNotFound(err) {
		r.warn(fmt.Sprintf("the build upload %s that an earlier run left cannot be removed: %v", uploadID, err))
	}
	r.abandoned = append(r.abandoned, uploadID)
	if r.memory.reserved(uploadID) {
		r.memory.forget()
	}
	r.summary.BuildUploadID = ""
}

func covers(file asc.BuildUploadFile, size int64) bool {
	_, err := upload.Validate(operations(file), size)
	return err == nil
}

// committed tells whether the service has been told that a file is complete.
func committed(file asc.BuildUploadFile) bool {
	return file.DeliveryState == asc.FileUploadComplete || file.DeliveryState == asc.FileComplete
}
