package cli

import (
	"errors"
	"fmt"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

// A reachedError carries what was reached along with the error.
type reachedError struct {
	error
	summary *release.Summary
}

func (f *reachedError) Unwrap() error { return f.error }

// An exitCode is part of the contract, as is the word for it in JSON.
type exitCode struct {
	code    int
	kind    failure.Kind // empty for success
	meaning string
}

// exitCodes are in the order of their numbers, and end with what is not an
// error of the run's.
func exitCodes() []exitCode {
	return []exitCode{
		{0, "", "done"},
		{1, failure.Internal, "a fault of ascend, or a file that was asked for could not be written"},
		{2, failure.Usage, "wrong flags or arguments"},
		{3, failure.Auth, "key, token or role refused"},
		{4, failure.NotFound, "app, group or build does not exist"},
		{5, failure.InvalidPackage, "the package cannot be read, fails preflight, or changed while it was sent"},
		{6, failure.Transfer, "network or object store; run the same command again and it goes on where it stopped"},
		{7, failure.Rejected, "Apple refused the build or the request"},
		{8, failure.Timeout, "waiting took longer than allowed"},
		{9, failure.Conflict, "this version and build number exist already, or what was named is ambiguous"},
		{130, failure.Interrupted, "stopped by the user; run the same command again"},
	}
}

// codeOf is the exit code of an error's kind; what is not known is ascend's
// own fault.
func codeOf(kind failure.Kind) int {
	for _, e := range exitCodes() {
		if e.kind == kind && kind != "" {
			return e.code
		}
	}
	return codeOf(failure.Internal)
}

// exit writes an error in the form that was asked for, and returns its code.
func (p *program) exit(args []string, err error) int {
	if err == nil {
		err = p.unwrittenAtEnd()
	}
	if err == nil {
		return 0
	}
	problem := p.problem(err)
	var batch *batchFailure
	if errors.As(err, &batch) && batch.problem != nil {
		problem = *batch.problem
	}
	if err := p.recording.end(p.Streams, p.Version, &problem); err != nil {
		fmt.Fprintln(p.Streams.Err, "ascend: "+term.Clean(err.Error()))
	}
	if wantsJSON(args, p.Getenv) && !errors.As(err, &batch) {
		out := struct {
			Error failure.Error `json:"error"`
			*release.Summary
		}{Error: problem}
		var f *reachedError
		if errors.As(err, &f) {
			out.Summary = f.summary
		}
		if err := p.Streams.JSON(out); err != nil {
			fmt.Fprintln(p.Streams.Err, "ascend: the result could not be written: "+term.Clean(err.Error()))
		}
	}
	p.Streams.Fail(problem)
	return codeOf(problem.Kind)
}

// unwrittenAtEnd is the failure of a run that worked, but whose output or files
// could not be written.
func (p *program) unwrittenAtEnd() error {
	err := p.recording.end(p.Streams, p.Version, nil)
	if outErr := p.Streams.Failed(); outErr != nil {
		err = errors.Join(fmt.Errorf("the result could not be written to stdout: %w", outErr), err)
	}
	if err == nil {
		return nil
	}
	return unwritten(err)
}

// problem puts an error into words, as many as can be read.
func (p *program) problem(err error) failure.Error { return term.Cut(p.wholeProblem(err)) }

func (p *program) wholeProblem(err error) failure.Error {
	problem := failure.Explain(err)
	var f *reachedError
	if !errors.As(err, &f) || f.summary == nil {
		return problem
	}
	if reached := reached(*f.summary); reached != "" && len(problem.Details) == 0 {
		problem.Details = append(problem.Details, reached)
	}
	if problem.Kind == failure.Interrupted {
		var stage *release.StageError
		problem.Message = "stopped by the user"
		if errors.As(err, &stage) {
			problem.Message += " during " + string(stage.Stage)
		}
		problem.Hint = "run the same command again: it goes on where it stopped"
		if f.summary.State != "" || errors.As(err, &stage) && (stage.Stage == release.StageWait || stage.Stage == release.StageDistribute) {
			problem.Hint = "Apple goes on without us: go on with ascend distribute" + selector(*f.summary) + " and the flags of this run, or only wait with ascend wait" + selector(*f.summary)
		}
	}
	return problem
}

// reached says how far a run got, with the ids needed to go on.
func reached(s release.Summary) string {
	switch {
	case s.BuildID != "" && s.State != "":
		return "reached: build " + s.BuildID + " (" + s.State + ")"
	case s.BuildID != "":
		return "reached: build " + s.BuildID
	case s.BuildUploadID != "":
		return "reached: build upload " + s.BuildUploadID
	}
	return ""
}

func selector(s release.Summary) string {
	switch {
	case s.BuildID != "":
		return " --build " + s.BuildID
	case s.BuildUploadID != "" && s.AppID != "":
		return " --build-upload " + s.BuildUploadID + " --app " + s.AppID
	case s.BuildUploadID != "":
		return " --build-upload " + s.BuildUploadID
	}
	return ""
}
