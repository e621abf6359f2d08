package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/internal/term"
)

func (p *program) uploadsCommand() *cli.Command {
	return &cli.Command{
		Name:      "uploads",
		Usage:     "build uploads, also those left half-way",
		UsageText: "ascend uploads list --app com.example.demo\nascend uploads cancel --app com.example.demo --incomplete",
		Subcommands: []*cli.Command{
			{
				Name:        "list",
				Usage:       "list the build uploads of an app, newest first",
				Description: "An upload in the state AWAITING_UPLOAD was left half-way: ascend upload with the same package completes it,\nascend uploads cancel removes it.",
				Flags: flags([]cli.Flag{
					appFlag(),
					&cli.StringSliceFlag{Name: "state", Usage: "only those in `STATE`: awaiting_upload, processing, failed, complete"},
				}, outputFlags(), stateFlags(), credentialFlags()),
				Action: p.uploadsList,
			},
			{
				Name:      "show",
				Usage:     "show one build upload: how much of it is there, and what Apple says",
				ArgsUsage: "ID",
				Flags:     flags(outputFlags(), stateFlags(), credentialFlags()),
				Action:    p.uploadsShow,
			},
			{
				Name:      "cancel",
				Usage:     "remove build uploads that were left half-way or failed",
				ArgsUsage: "ID…",
				Flags: flags([]cli.Flag{
					&cli.StringFlag{Name: "app", Usage: "bundle `ID` or Apple ID of an app, for --incomplete"},
					&cli.BoolFlag{Name: "incomplete", Usage: "all of the app that were left half-way"},
				}, outputFlags(), stateFlags(), credentialFlags()),
				Action: p.uploadsCancel,
			},
		},
	}
}

// uploadReport is the JSON form of a build upload.
type uploadReport struct {
	BuildUploadID string            `json:"build_upload_id"`
	BuildID       string            `json:"build_id"`
	Version       string            `json:"version"`
	BuildNumber   string            `json:"build_number"`
	Platform      string            `json:"platform"`
	State         string            `json:"state"`
	Created       time.Time         `json:"created"`
	FileName      string            `json:"file_name"`
	Bytes         int64             `json:"bytes"`
	Errors        []asc.StateDetail `json:"errors"`
	Warnings      []asc.StateDetail `json:"warnings"`
	// Path is the package on this machine that it was begun with, if known.
	Path        string `json:"path"`
	Parts       int    `json:"parts,omitempty"`
	StoredParts int    `json:"stored_parts,omitempty"`
	StoredBytes int64  `json:"stored_bytes,omitempty"`
}

// localPaths are the packages on this machine by the ids of their uploads.
func localPaths(store *state.Store) map[string]string {
	paths := map[string]string{}
	if store != nil {
		records, _ := store.List() // without it, only the paths are missing
		for _, r := range records {
			paths[r.BuildUploadID] = r.Path
		}
	}
	return paths
}

func reportUpload(u asc.BuildUpload, paths map[string]string) uploadReport {
	report := uploadReport{
		BuildUploadID: u.ID, BuildID: u.BuildID, Version: u.CFBundleShortVersionString, BuildNumber: u.CFBundleVersion, Platform: string(u.Platform),
		State: u.State.State, Created: u.CreatedDate, Errors: u.State.Errors, Warnings: u.State.Warnings, Path: paths[u.ID],
	}
	if u.AssetFile != nil {
		report.FileName, report.Bytes = u.AssetFile.FileName, u.AssetFile.FileSize
	}
	return report
}

func (p *program) uploadsList(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.String("app") == "" {
		return usagef("ascend uploads list --app com.example.demo", "which app? Apple lists build uploads by app only")
	}
	filter := asc.BuildUploadFilter{}
	for _, state := range trimmed(c.StringSlice("state")) {
		state = strings.ToUpper(strings.ReplaceAll(state, "-", "_"))
		if !slices.Contains([]string{asc.UploadAwaiting, asc.UploadProcessing, asc.UploadFailed, asc.UploadComplete}, state) {
			return usagef("", "--state %q is not one of awaiting_upload, processing, failed, complete", state)
		}
		filter.States = append(filter.States, state)
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		app, uploads, err := runner.Uploads(c.Context, c.String("app"), filter)
		if err != nil {
			return err
		}
		reports, paths := []uploadReport{}, localPaths(runner.State)
		for _, u := range uploads {
			reports = append(reports, reportUpload(u, paths))
		}
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "build_uploads": reports})
		}
		rows := [][]string{{"ID", "VERSION", "BUILD", "PLATFORM", "STATE", "CREATED", "SIZE", "PACKAGE"}}
		for _, r := range reports {
			size := ""
			if r.Bytes > 0 {
				size = term.Bytes(r.Bytes)
			}
			rows = append(rows, []string{r.BuildUploadID, r.Version, r.BuildNumber, r.Platform, r.State, when(r.Created), size, cmp.Or(r.Path, r.FileName)})
		}
		p.Streams.Columns(rows)
		return nil
	})
}

func (p *program) uploadsShow(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("ascend uploads show ID; ascend uploads list --app BUNDLE_ID has the ids", "which build upload?")
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		detail, err := runner.UploadDetail(c.Context, c.Args().First())
		if err != nil {
			return err
		}
		report := reportUpload(detail.BuildUpload, localPaths(runner.State))
		report.Parts, report.StoredParts, report.StoredBytes = detail.Parts, detail.Stored, detail.StoredBytes
		if c.Bool("json") {
			return p.Streams.JSON(report)
		}
		stored := ""
		if detail.Parts > 0 {
			stored = fmt.Sprintf("%d of %d parts, %s of %s", detail.Stored, detail.Parts, term.Bytes(detail.StoredBytes), term.Bytes(report.Bytes))
		}
		p.Streams.Table("build upload "+report.BuildUploadID,
			"version", report.Version, "build number", report.BuildNumber, "platform", report.Platform, "state", report.State, "build", report.BuildID,
			"created", report.Created.UTC().Format(time.RFC3339), "file", report.FileName, "package here", report.Path, "sent", stored)
		for _, d := range term.First(report.Errors) {
			p.Streams.Item("error", d.Code, d.Description)
		}
		for _, d := range term.First(report.Warnings) {
			p.Streams.Item("warning", d.Code, d.Description)
		}
		if more := len(report.Errors) + len(report.Warnings) - len(term.First(report.Errors)) - len(term.First(report.Warnings)); more > 0 {
			p.Streams.Line(fmt.Sprintf("  and %d more, which --json has", more))
		}
		return nil
	})
}

func (p *program) uploadsCancel(c *cli.Context) error {
	ids := c.Args().Slice()
	if c.Bool("incomplete") == (len(ids) > 0) || c.Bool("incomplete") && c.String("app") == "" {
		return usagef("ascend uploads cancel ID…, or ascend uploads cancel --app BUNDLE_ID --incomplete", "which build uploads?")
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		if c.Bool("incomplete") {
			_, uploads, err := runner.Uploads(c.Context, c.String("app"), asc.BuildUploadFilter{States: []string{asc.UploadAwaiting}})
			if err != nil {
				return err
			}
			for _, u := range uploads {
				ids = append(ids, u.ID)
			}
		}
		cancelled := []string{}
		var errs []error
		for _, id := range ids {
			if err := runner.Cancel(c.Context, id); err != nil {
				errs = append(errs, err)
				if len(ids) > 1 {
					runner.Observer.Observe(release.Warning{Text: err.Error()})
				}
				continue
			}
			cancelled = append(cancelled, id)
			if !c.Bool("json") {
				p.Streams.Line("cancelled " + id)
			}
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"cancelled": cancelled})
		}
		if len(ids) == 0 {
			p.Streams.Line("there is nothing to cancel")
		}
		return nil
	})
}
