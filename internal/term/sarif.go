package term

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// Scanned is a package with its findings.
type Scanned struct {
	Path     string
	Findings []bundle.Finding
}

// The part of SARIF 2.1.0 that code-scanning views read.
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID         string            `json:"id"`
		Short      sarifText         `json:"shortDescription"`
		Help       sarifText         `json:"help"`
		Level      map[string]string `json:"defaultConfiguration"`
		Properties map[string]any    `json:"properties"`
	}
	sarifResult struct {
		RuleID    string            `json:"ruleId"`
		RuleIndex int               `json:"ruleIndex"`
		Level     string            `json:"level"`
		Message   sarifText         `json:"message"`
		Locations []sarifLocation   `json:"locations"`
		Prints    map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
		Logical []map[string]string `json:"logicalLocations,omitempty"`
	}
)

// SARIF writes findings in the form of the OASIS standard. The place of a
// finding is the package, and the path in it is a logical one: viewers open
// files of the repository, and there is none.
func SARIF(rules []bundle.Rule, packages []Scanned) ([]byte, error) {
	index := map[string]int{}
	described := []sarifRule{}
	for i, r := range rules {
		index[r.ID] = i
		described = append(described, sarifRule{
			ID: r.ID, Short: sarifText{r.Title}, Help: sarifText{r.Remedy}, Level: map[string]string{"level": sarifLevel(r.Severity)}, Properties: map[string]any{"codes": r.Codes},
		})
	}
	results := []sarifResult{}
	for _, pkg := range packages {
		for _, f := range pkg.Findings {
			result := sarifResult{
				RuleID: f.Rule, RuleIndex: index[f.Rule], Level: sarifLevel(f.Severity), Message: sarifPlain(f.Message + ". What to do: " + f.Remedy + "."),
				Prints: map[string]string{"ascend/v1": f.Rule + "|" + f.Path + "|" + f.Value},
			}
			var at sarifLocation
			at.Physical.Artifact.URI = strings.TrimPrefix(filepath.ToSlash(pkg.Path), "./")
			at.Physical.Region.StartLine = 1
			if f.Path != "" {
				at.Logical = []map[string]string{{"fullyQualifiedName": f.Path, "kind": "resource"}}
			}
			result.Locations = []sarifLocation{at}
			results = append(results, result)
		}
	}
	content, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "ascend", "informationUri": "https://github.com/ascend-cli/ascend", "rules": described}},
			"results": results,
		}},
	}, "", "  ")
	return escapeJSON(content), err
}

// sarifPlain writes a message without links: brackets make them.
func sarifPlain(text string) sarifText {
	return sarifText{strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(visible(text))}
}

func sarifLevel(s bundle.Severity) string {
	switch s {
	case bundle.SeverityError, bundle.SeverityWarning:
		return string(s)
	}
	return "note"
}
