package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// existing is what has the version and build number of a package already.
type existing struct {
	// open are reservations that were not committed, the oldest first.
	open []asc.BuildUpload
	// sent is the committed build upload of this very package, or nil. built is
	// its build where the service no longer has the build upload.
	sent  *asc.BuildUpload
	built *asc.Build
	// assumed tells that nothing proves that it is this package: the user said so.
	assumed bool
}

// OnExisting says what becomes of an upload whose number is taken by a build
// that may or may not be this package.
type OnExisting string

// What can become of it. The zero value is [StopOnExisting].
const (
	// StopOnExisting ends with a conflict.
	StopOnExisting OnExisting = "fail"
	// ResumeExisting goes on with the build that exists, unverified.
	ResumeExisting OnExisting = "resume"
)

// checkFree stops when the version and build number are taken. What an earlier
// run of the same package left is no conflict, but something to go on with.
func (r *run) checkFree(ctx context.Context, app asc.App, p pkg) (existing, error) {
	uploads, err := r.sameNumbers(ctx, app, p)
	if err != nil {
		return existing{}, err
	}
	var found existing
	for _, u := range uploads {
		switch u.State.State {
		case asc.UploadProcessing, asc.UploadComplete:
			return r.committedBefore(ctx, app, p, u)
		case asc.UploadAwaiting:
			found.open = append(found.open, u)
		}
	}
	for b, err := range r.Client.Builds(ctx, asc.BuildFilter{
		AppID: app.ID, PreReleaseVersions: versionSpellings(p.ShortVersion), Versions: numberSpellings(p.BuildVersion), Platform: asc.Platform(p.Platform),
	}) {
		if err != nil {
			return existing{}, fmt.Errorf("list the builds of %s: %w", app.BundleID, err)
		}
		if sameBuild(b, p) {
			return r.builtBefore(ctx, app, p, b)
		}
	}
	return found, nil
}

func sameBuild(b asc.Build, p pkg) bool {
	return bundle.SameVersion(b.Version, p.BuildVersion) &&
		(b.PreReleaseVersion.Version == "" || bundle.SameVersion(b.PreReleaseVersion.Version, p.ShortVersion)) &&
		(b.PreReleaseVersion.Platform == "" || b.PreReleaseVersion.Platform == asc.Platform(p.Platform))
}

// sameNumbers lists the build uploads with the package's numbers that did not
// fail, the oldest first.
func (r *run) sameNumbers(ctx context.Context, app asc.App, p pkg) ([]asc.BuildUpload, error) {
	var uploads []asc.BuildUpload
	for u, err := range r.Client.BuildUploads(ctx, app.ID, asc.BuildUploadFilter{
		CFBundleShortVersionStrings: versionSpellings(p.ShortVersion),
		CFBundleVersions:            numberSpellings(p.BuildVersion),
		Platform:                    asc.Platform(p.Platform),
	}) {
		if err != nil {
			return nil, fmt.Errorf("list the build uploads of %s: %w", app.BundleID, err)
		}
		// Filters return near matches as well.
		if u.Platform == asc.Platform(p.Platform) && bundle.SameVersion(u.CFBundleShortVersionString, p.ShortVersion) &&
			bundle.SameVersion(u.CFBundleVersion, p.BuildVersion) && u.State.State != asc.UploadFailed {
			uploads = append(uploads, u)
		}
	}
	slices.SortFunc(uploads, older)
	return uploads, nil
}

// older orders build uploads by their date and id: all runs come to the same
// order. Where the service leaves a date out, the ids alone decide.
func older(a, b asc.BuildUpload) int {
	if !a.CreatedDate.IsZero() && !b.CreatedDate.IsZero() {
		if order := a.CreatedDate.Compare(b.CreatedDate); order != 0 {
			return order
		}
	}
	return cmp.Compare(a.ID, b.ID)
}

// committedBefore decides about a build upload that has its package.
func (r *run) committedBefore(ctx context.Context, app asc.App, p pkg, u asc.BuildUpload) (existing, error) {
	r.summary.BuildUploadID, r.summary.BuildID = u.ID, u.BuildID
	same, err := r.memory.isUpload(ctx, u.ID, p)
	if err != nil {
		return existing{}, err
	}
	if same {
		r.summary.Verified = true
		return existing{sent: &u}, nil
	}
	file, found, err := r.assetOf(ctx, u)
	if err != nil {
		return existing{}, err
	}
	likeness := unknownPackage
	if found {
		if likeness, err = compareCommitted(ctx, p, file); err != nil {
			return existing{}, err
		}
	}
	what := fmt.Sprintf("build upload %s is %s", u.ID, u.State.State)
	switch {
	case likeness == samePackage:
		r.summary.Verified = true
		return existing{sent: &u}, nil
	case likeness == otherPackage:
		return existing{}, r.taken(app, p, what+" with another package")
	case r.plan.OnExisting == ResumeExisting:
		return existing{sent: &u, assumed: true}, nil
	case u.BuildID != "":
		return existing{}, r.perhapsTaken(app, p, what, "--build "+u.BuildID)
	}
	return existing{}, r.perhapsTaken(app, p, what, "--build-upload "+u.ID+" --app "+app.BundleID)
}

// builtBefore decides about a build whose build upload is not listed: the
// service lets the record vanish at times (F2), and other tools may have sent
// it.
func (r *run) builtBefore(ctx context.Context, app asc.App, p pkg, b asc.Build) (existing, error) {
	r.summary.BuildID, r.summary.State = b.ID, b.ProcessingState
	if id := r.memory.uploadID(); id != "" {
		same, err := r.memory.isUpload(ctx, id, p)
		if err != nil {
			return existing{}, err
		}
		if same {
			r.summary.Verified = true
			return existing{built: &b}, nil
		}
	}
	if r.plan.OnExisting == ResumeExisting {
		return existing{built: &b, assumed: true}, nil
	}
	return existing{}, r.perhapsTaken(app, p, fmt.Sprintf("build %s is %s", b.ID, b.ProcessingState), "--build "+b.ID)
}

func (r *run) taken(app asc.App, p pkg, what string) error {
	return &failure.Error{
		Kind:    failure.Conflict,
		Message: fmt.Sprintf("%s %s (%s) for %s exists already: %s", app.BundleID, p.ShortVersion, p.BuildVersion, p.Platform, what),
		Hint:    "raise the build number (CFBundleVersion) and export again",
	}
}

// perhapsTaken is the error of a number whose build may be this package: the
// service does not tell, and this machine did not send it.
func (r *run) perhapsTaken(app asc.App, p pkg, what, selector string) error {
	return &failure.Error{
		Kind: failure.Conflict,
		Message: fmt.Sprintf("%s %s (%s) for %s exists already: %s, and nothing tells whether it is this package",
			app.BundleID, p.ShortVersion, p.BuildVersion, p.Platform, what),
		Hint: "if it is, go on with ascend distribute " + selector + " and the distribution flags of this run, or repeat the run with --on-existing resume; " +
			"if it is not, raise the build number (CFBundleVersion) and export again",
	}
}

// assetOf finds the package's file of a build upload: replies may leave the
// relationship out.
func (r *run) assetOf(ctx context.Context, u asc.BuildUpload) (asc.BuildUploadFile, bool, error) {
	ids := []string{r.memory.fileID(u.ID)}
	if u.AssetFile != nil {
		ids = []string{u.AssetFile.ID}
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		file, err := r.Client.BuildUploadFile(ctx, id)
		if err == nil {
			return file, true, nil
		}
		if !asc.IsNotFound(err) {
			return file, false, fmt.Errorf("read the file of build upload %s: %w", u.ID, err)
		}
	}
	for file, err := range r.Client.BuildUploadFiles(ctx, u.ID) {
		if asc.IsNotFound(err) {
			return file, false, nil
		}
		if err != nil {
			return file, false, fmt.Errorf("list the files of build upload %s: %w", u.ID, err)
		}
		if file.AssetType == asc.AssetPackage {
			return file, true, nil
		}
	}
	return asc.BuildUploadFile{}, false, nil
}

// A likeness says whether something at the service is the package.
type likeness int

const (
	unknownPackage likeness = iota
	samePackage
	otherPackage
)

// compareCommitted holds a committed file against the package. Another size
// proves another package, as does a composite checksum that cannot belong to
// a file of that size. Only an equal checksum proves the same one: how the
// service joins the parts' checksums is an assumption, so another one proves
// nothing.
func compareCommitted(ctx context.Context, p pkg, file asc.BuildUploadFile) (likeness, error) {
	if file.FileSize != 0 && file.FileSize != p.Size {
		return otherPackage, nil
	}
	composite, ok := upload.ParseComposite(compositeHash(file))
	if !ok {
		return unknownPackage, nil
	}
	if composite.Parts != (int)((p.Size-1)/composite.PartSize+1) {
		return otherPackage, nil
	}
	parts := upload.Cut(p.Size, composite.PartSize) // as many, which an object can have
	sums, err := upload.Sums(ctx, p.file, parts)
	if err != nil {
		return unknownPackage, err
	}
	content := make([]upload.Part, len(parts))
	for i, part := range parts {
		content[i] = upload.Part{Offset: part.Offset, Length: part.Length, Sum: sums[i]}
	}
	if upload.CompositeOf(content).Sum == composite.Sum {
		return samePackage, nil
	}
	return unknownPackage, nil
}

func compositeHash(file asc.BuildUploadFile) string { return file.SourceFileChecksums.Composite.Hash }

// The times in which nothing may change at a reservation before it counts as
// abandoned.
const (
	// takeOverAfter is for one that may be of this package.
	takeOverAfter = 30 * time.Second
	// removeAfter is for one that is of another package.
	removeAfter = 5 * time.Minute
	// watchEvery is the pause between two looks meanwhile.
	watchEvery = 10 * time.Second
)

// A verdict is what may be done with a reservation that is there already.
type verdict int

const (
	// takeOver at once.
	takeOver verdict = iota
	// takeOverIdle once nothing has changed for takeOverAfter.
	takeOverIdle
	// removeIdle once nothing has changed for removeAfter.
	removeIdle
	// remove at once.
	remove
)

// evidence is what is known of a reservation.
type evidence struct {
	// own tells that this machine made or used it last, and that no other run
	// on this machine does now.
	own bool
	// file tells that it has a file, fits that the file's size and operations
	// are those of the package.
	file, fits bool
	// acknowledged is the number of parts that have arrived, and differing how
	// many of those are not the package's.
	acknowledged, differing int
}

// judge is the decision table of the package comment.
func judge(e evidence) verdict {
	switch {
	case e.own && (!e.file || e.fits):
		return takeOver
	case e.own:
		return remove
	case e.file && (!e.fits || e.differing > 0):
		return removeIdle
	case e.acknowledged > 0:
		return takeOver
	}
	return takeOverIdle
}

// A sighting is what was seen of a reservation at one time.
type sighting struct {
	file  asc.BuildUploadFile
	found bool
	// fingerprint changes with everything that a run which uses it would change.
	fingerprint string
}

// sight reads a reservation.
func (r *run) sight(ctx context.Context, u asc.BuildUpload) (sighting, error) {
	file, found, err := r.assetOf(ctx, u)
	if err != nil || !found {
		return sighting{}, err
	}
	seen := sighting{file: file, found: true, fingerprint: file.ID + " " + file.DeliveryState}
	for _, op := range operations(file) {
		seen.fingerprint += fmt.Sprintf(" %d:%s", op.Offset, op.EntityTag)
	}
	return seen, nil
}

// weigh compares a reservation with the package.
func (r *run) weigh(ctx context.Context, p pkg, own bool, seen sighting) (evidence, error) {
	e := evidence{own: own, file: seen.found}
	e.fits = seen.found && seen.file.FileSize == p.Size && seen.file.DeliveryState != asc.FileFailed && covers(seen.file, p.Size)
	if !e.fits || e.own {
		return e, nil
	}
	there := upload.Acknowledged(operations(seen.file))
	sums, err := upload.Sums(ctx, p.file, there)
	if err != nil {
		return e, err
	}
	for i, op := range there {
		e.acknowledged++
		if !upload.SameTag(op.EntityTag, sums[i]) {
			e.differing++
		}
	}
	return e, nil
}
