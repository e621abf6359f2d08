package term

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/release"
)

// strip shows how far a release is among its stages.
type strip struct {
	stages  []release.StageName
	done    map[release.StageName]bool
	running release.StageName
	failed  bool
}

// plan begins a release.
func (s *strip) plan(stages []release.StageName) {
	*s = strip{stages: stages, done: map[release.StageName]bool{}}
}

func (s *strip) start(stage release.StageName) { s.running = stage }

func (s *strip) finish(stage release.StageName, err error) {
	if s.failed = err != nil; !s.failed && s.done != nil {
		s.done[stage] = true
	}
}

// row is the strip as one line; in a narrow terminal only the stage under way
// and its number.
func (s *strip) row(streams Streams, columns int) (row, bool) {
	at := slices.Index(s.stages, s.running)
	if at < 0 {
		return row{}, false
	}
	marks := signsOf(streams)
	var text, styled []string
	for i, stage := range s.stages {
		switch name := string(stage); {
		case stage == s.running && s.failed:
			text = append(text, marks.failed+name)
			styled = append(styled, streams.red(marks.failed+name))
		case stage == s.running && !s.done[stage]:
			text = append(text, marks.running+name)
			styled = append(styled, streams.bold(marks.running+name))
		case s.done[stage]:
			text = append(text, marks.done+name)
			styled = append(styled, streams.dim(marks.done+name))
		case i < at: // not needed this time
			text = append(text, marks.skipped+name)
			styled = append(styled, streams.dim(marks.skipped+name))
		default:
			text = append(text, marks.ahead+name)
			styled = append(styled, streams.dim(marks.ahead+name))
		}
	}
	const indent = "  "
	whole := row{indent + strings.Join(text, " "), indent + strings.Join(styled, " ")}
	if len([]rune(whole.text)) < columns {
		return whole, true
	}
	return plainRow(fmt.Sprintf("%s[%d/%d] %s", indent, at+1, len(s.stages), s.running)), true
}

// signs are what a live view is drawn with.
type signs struct{ done, running, failed, skipped, ahead, full, empty string }

// signsOf chooses what the terminal can show.
func signsOf(s Streams) signs {
	if s.ASCII {
		return signs{done: "+", running: ">", failed: "!", skipped: "-", ahead: ".", full: "#", empty: "."}
	}
	return signs{done: "✓", running: "▸", failed: "✗", skipped: "-", ahead: "·", full: "█", empty: "░"}
}

// gauge is a bar without figures.
func (s signs) gauge(share float64, cells int) string {
	full := int(max(0, min(1, share)) * float64(cells))
	return "[" + strings.Repeat(s.full, full) + strings.Repeat(s.empty, cells-full) + "]"
}
