package term

import (
	"maps"
	"slices"

	"github.com/ascend-cli/ascend/internal/failure"
)

// cleanRecords are records whose texts can be shown on a page. The template
// escapes what is HTML.
func cleanRecords(records []Record) []Record {
	clean := slices.Clone(records)
	for i, r := range clean {
		attrs := maps.Clone(r.Attrs)
		for name, value := range attrs {
			if text, ok := value.(string); ok {
				attrs[name] = Clean(text)
			}
		}
		clean[i].Attrs = attrs
	}
	return clean
}

// cleanOutcomes does the same with what came of it.
func cleanOutcomes(outcomes []Outcome) []Outcome {
	clean := slices.Clone(outcomes)
	for i := range clean {
		s := &clean[i].Summary
		texts := []*string{
			&s.AppID, &s.BundleID, &s.Platform, &s.Version, &s.BuildNumber, &s.BuildUploadID, &s.BuildID, &s.State,
			&s.TestFlightURL, &s.BetaReviewState,
		}
		for _, text := range texts {
			*text = Clean(*text)
		}
		s.Groups = cleanAll(s.Groups)
		s.Steps = slices.Clone(s.Steps)
		for j := range s.Steps {
			s.Steps[j].Name, s.Steps[j].Detail = Clean(s.Steps[j].Name), Clean(s.Steps[j].Detail)
		}
		if p := clean[i].Problem; p != nil {
			clean[i].Problem = &failure.Error{
				Kind: p.Kind, Message: Clean(p.Message), Hint: Clean(p.Hint), Details: cleanAll(p.Details),
			}
		}
	}
	return clean
}

func cleanAll(texts []string) []string {
	clean := slices.Clone(texts)
	for i := range clean {
		clean[i] = Clean(clean[i])
	}
	return clean
}
