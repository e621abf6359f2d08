package release

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// A pkg is a package that is open for reading.
type pkg struct {
	bundle.Info
	file *os.File
	stat os.FileInfo
	// description is nil if it has none.
	description *bundle.Description
}

// inspect opens and reads the package.
func (r *run) inspect(context.Context) (pkg, error) {
	file, err := bundle.Open(r.plan.Path)
	if err != nil {
		return pkg{}, err
	}
	stat, err := file.Stat()
	if err != nil {
		file.Close()
		return pkg{}, &bundle.Error{Path: r.plan.Path, Reason: "the file cannot be read", Err: err}
	}
	info, err := bundle.Inspect(r.plan.Path, file, stat.Size())
	if err != nil {
		file.Close()
		return pkg{}, err
	}
	info.Modified = stat.ModTime()
	if r.plan.Platform != "" {
		if info.Platform != "" && info.Platform != r.plan.Platform {
			r.warn(fmt.Sprintf("the package says it is for %s, but --platform says %s", info.Platform, r.plan.Platform))
		}
		info.Platform = r.plan.Platform
	}
	r.summary.BundleID = info.BundleID
	r.summary.Platform = string(info.Platform)
	r.summary.Version = info.ShortVersion
	r.summary.BuildNumber = info.BuildVersion
	r.summary.Bytes = info.Size
	r.Observer.Observe(Inspected{Info: info})
	return pkg{Info: info, file: file, stat: stat}, nil
}

// unchanged makes sure that the file holds what was sent. Where its identity
// is the one that it was opened with, down to the time of the last change, it
// does; otherwise it is read again.
func (p pkg) unchanged(ctx context.Context, content []upload.Part) error {
	same := true
	for _, look := range []func() (os.FileInfo, error){p.file.Stat, func() (os.FileInfo, error) { return os.Stat(p.Path) }} {
		now, err := look()
		if err != nil {
			return fmt.Errorf("%w: %w", upload.ErrFileChanged, err)
		}
		if now.Size() != p.stat.Size() || !os.SameFile(now, p.stat) {
			return fmt.Errorf("%s: %w", p.Path, upload.ErrFileChanged)
		}
		id := state.Identify(now)
		same = same && id.Proves() && id == state.Identify(p.stat)
	}
	if same {
		return nil
	}
	if err := upload.Check(ctx, p.file, content); err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	return nil
}

// preflight stops what Apple would refuse.
func (r *run) preflight(p pkg) error {
	findings := slices.DeleteFunc(bundle.Preflight(p.Info, r.Now()), func(f bundle.Finding) bool { return slices.Contains(r.plan.IgnoreRules, f.Rule) })
	for _, finding := range findings {
		if finding.Rule == "export-compliance-undecided" && r.plan.Distribution.UsesNonExemptEncryption != nil {
			continue // it is decided by the flag
		}
		if finding.Severity == bundle.SeverityWarning {
			r.summary.Warnings = append(r.summary.Warnings, finding.Message)
		}
		r.Observer.Observe(Found{Finding: finding})
	}
	fatal := bundle.Fatal(findings)
	if len(fatal) == 0 {
		return nil
	}
	if r.plan.SkipPreflight && p.Platform != "" {
		r.notice("preflight found errors, and goes on because of --skip-preflight")
		return nil
	}
	err := &failure.Error{Kind: failure.InvalidPackage, Message: fmt.Sprintf("%s: %s", p.Path, fatal[0].Message), Hint: fatal[0].Remedy + " (rule " + fatal[0].Rule + "; --skip-preflight uploads in spite of it)"}
	for _, finding := range fatal[1:] {
		err.Details = append(err.Details, finding.Message+" ["+finding.Rule+"]")
	}
	return err
}
