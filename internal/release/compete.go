package release

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// listPatience is how long a build upload that was just made may be missing
// from the list: lists lag.
const listPatience = 30 * time.Second

// compete makes sure that no other run is uploading the same numbers. Runs that
// started together see each other's reservations, and all but one give up: a
// committed build upload wins, then the oldest. The loser removes only what it
// made itself.
func (r *run) compete(ctx context.Context, p pkg, t target, res reservation) error {
	winner, err := r.winner(ctx, p, t, res)
	if err != nil || winner.ID == res.uploadID {
		return err
	}
	how := "was made earlier"
	if winner.State.State != asc.UploadAwaiting {
		how = "is " + winner.State.State
	}
	hint := "let it end; if it was killed, run this again"
	if res.own {
		r.discard(ctx, res.uploadID)
	}
	return &failure.Error{
		Kind:    failure.Conflict,
		Message: fmt.Sprintf("another run is uploading %s (%s) for %s as well, and its build upload %s %s", p.ShortVersion, p.BuildVersion, p.Platform, winner.ID, how),
		Hint:    hint,
	}
}

// winner is the build upload that may be committed, of all with the same
// numbers. It lists them until this run's own is among them, and until another
// that was made in the same second has withdrawn: its run may have looked
// before this one's was there. One that does not withdraw wins.
func (r *run) winner(ctx context.Context, p pkg, t target, res reservation) (asc.BuildUpload, error) {
	start := r.Now()
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		uploads, err := r.sameNumbers(ctx, t.app, p)
		if err != nil {
			return asc.BuildUpload{}, err
		}
		own := asc.BuildUpload{ID: res.uploadID, CreatedDate: res.created, State: asc.BuildUploadState{State: asc.UploadAwaiting}}
		i := slices.IndexFunc(uploads, func(u asc.BuildUpload) bool { return u.ID == res.uploadID })
		if i >= 0 {
			own = uploads[i]
		}
		best, err := r.firstOf(ctx, own, uploads)
		if err != nil || best.ID != own.ID {
			return best, err
		}
		tied, ok, err := r.tied(ctx, own, uploads)
		if err != nil || i >= 0 && !ok {
			return best, err
		}
		if r.Now().Sub(start) >= listPatience {
			if ok {
				return tied, nil
			}
			return best, nil
		}
		if err := r.Sleep(ctx, pause); err != nil {
			return best, err
		}
	}
}

// tied finds another reservation that was made within the same second: the
// service's dates may have no fraction.
func (r *run) tied(ctx context.Context, own asc.BuildUpload, uploads []asc.BuildUpload) (asc.BuildUpload, bool, error) {
	for _, u := range uploads {
		if !r.competes(u, own) || u.CreatedDate.Sub(own.CreatedDate).Abs() > time.Second {
			continue
		}
		if _, found, err := r.assetOf(ctx, u); found || err != nil {
			return u, found, err
		}
	}
	return asc.BuildUpload{}, false, nil
}

// competes tells whether another build upload is open and not known to be
// abandoned.
func (r *run) competes(u, own asc.BuildUpload) bool {
	return u.ID != own.ID && u.State.State == asc.UploadAwaiting && !slices.Contains(r.abandoned, u.ID)
}

// firstOf is the build upload that beats all others.
func (r *run) firstOf(ctx context.Context, own asc.BuildUpload, uploads []asc.BuildUpload) (asc.BuildUpload, error) {
	best := own
	for _, u := range uploads {
		if u.ID == own.ID || slices.Contains(r.abandoned, u.ID) || !beats(u, best) {
			continue
		}
		if u.State.State == asc.UploadAwaiting {
			_, found, err := r.assetOf(ctx, u)
			if err != nil {
				return best, err
			}
			if !found {
				continue // a reservation without a file does not compete
			}
		}
		best = u
	}
	return best, nil
}

// beats tells whether a wins against b.
func beats(a, b asc.BuildUpload) bool {
	if open := b.State.State == asc.UploadAwaiting; open != (a.State.State == asc.UploadAwaiting) {
		return open
	}
	return older(a, b) < 0
}
