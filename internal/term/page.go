package term

import (
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
)

//go:embed page.html
var pageTemplate string

const (
	maxBars     = 6000
	maxCalls    = 500
	barWidth    = 1000.0
	labelWidth  = 200.0 // of it, where bars have names
	stageHeight = 24
)

// page is what the template shows. Places are in units of a picture that is
// 1000 wide.
type page struct {
	Title, Status, Begin, Took, Version string
	Failed                              bool
	Problems                            []failure.Error
	Rows                                [][2]string
	Notes                               []pageNote
	Stages                              []pageStage
	StagesHeight                        int
	AxisY, TickY, TickTextY             int
	Ticks                               []pageTick
	Bars                                []pageBar
	PartsHeight                         int
	PartsText                           string
	Rate, Flight                        string
	TopRate, TopFlight                  string
	Retries                             []pageRetry
	Calls                               []pageCall
	MoreCalls                           int
}

type pageNote struct{ Class, Kind, Text, Remedy string }

type pageStage struct {
	Name, Took, Began, Error, Class string
	X, W                            float64
	Y, TextY                        int
}

type pageTick struct {
	X            float64
	Text, Anchor string
}

type pageBar struct {
	Class, Text string
	X, W        float64
	Y, H        int
}

type pageRetry struct {
	At, Why, Wait string
	Part          int64
}

type pageCall struct {
	At, Method, Path, Took, Error string
	Status                        int64
	Bad                           bool
}

// WritePage writes a report: one HTML page that needs nothing else.
func WritePage(w io.Writer, version string, records []Record, outcomes []Outcome) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	records, outcomes = cleanRecords(records), cleanOutcomes(outcomes)
	p := page{Version: version}
	p.describe(outcomes)
	if len(records) > 0 {
		begin, end := records[0].Time, records[len(records)-1].Time
		p.Begin, p.Took = begin.Format("2006-01-02 15:04:05 MST"), Duration(end.Sub(begin))
		p.notes(records)
		p.stages(records, begin, end)
		p.parts(records)
		p.calls(records, begin)
	}
	return t.Execute(w, p)
}

// describe is the result.
func (p *page) describe(outcomes []Outcome) {
	var titles, states []string
	for _, o := range outcomes {
		s := o.Summary
		titles = append(titles, strings.TrimSpace(subjectOf(s)+" "+s.Platform))
		if o.Problem != nil {
			p.Failed = true
			p.Problems = append(p.Problems, *o.Problem)
			states = append(states, "failed: "+strings.ReplaceAll(string(o.Problem.Kind), "_", " "))
		} else {
			states = append(states, strings.TrimSpace(stateOf(s)+" "+s.BetaReviewState))
		}
		row := func(name, value string) {
			if value != "" {
				p.Rows = append(p.Rows, [2]string{name, value})
			}
		}
		row("App", s.AppID)
		row("Build", s.BuildID)
		row("Build upload", s.BuildUploadID)
		row("TestFlight", s.TestFlightURL)
		row("State", s.State)
		row("Groups", strings.Join(s.Groups, ", "))
		row("Beta review", s.BetaReviewState)
		row("Transfer", transferOf(s))
		for _, step := range s.Steps {
			row("Step "+step.Name, string(step.State)+": "+step.Detail)
		}
	}
	p.Title, p.Status = "ascend: "+strings.Join(titles, ", "), strings.Join(states, ", ")
}

func (p *page) notes(records []Record) {
	const most = 500
	for _, r := range records {
		if len(p.Notes) == most {
			p.Notes = append(p.Notes, pageNote{"care", "note", "there is more that is not shown here; --events has all", ""})
			return
		}
		switch r.Type {
		case "warning":
			p.Notes = append(p.Notes, pageNote{"care", "warning", r.text("text"), ""})
		case "finding":
			class := map[string]string{"error": "bad", "warning": "care"}[r.text("severity")]
			p.Notes = append(p.Notes, pageNote{class, r.text("severity") + " " + r.text("rule"), r.text("message"), r.text("remedy")})
		case "apple":
			class := map[string]string{"error": "bad", "warning": "care"}[r.text("severity")]
			p.Notes = append(p.Notes, pageNote{class, "Apple", strings.TrimSpace(r.text("code") + " " + r.text("description")), ""})
		}
	}
}

// stages puts each stage on a line of its own.
func (p *page) stages(records []Record, begin, end time.Time) {
	total := max(end.Sub(begin), time.Millisecond)
	for _, r := range records {
		if r.Type != "stage_finished" {
			continue
		}
		took := time.Duration(r.number("duration_ms")) * time.Millisecond
		from := r.Time.Add(-took).Sub(begin)
		s := pageStage{Name: r.text("stage"), Took: Duration(took), Began: "+" + Duration(max(from, 0)), Error: r.text("error"), Class: "stage", Y: len(p.Stages) * stageHeight}
		if s.Error != "" {
			s.Class = "retry"
		}
		s.TextY = s.Y + 14
		const room = barWidth - labelWidth
		s.X = min(labelWidth+max(0, room*float64(from)/float64(total)), barWidth-2)
		s.W = max(2, room*float64(took)/float64(total))
		p.Stages = append(p.Stages, s)
	}
	p.AxisY = len(p.Stages)*stageHeight + 4
	p.TickY, p.TickTextY, p.StagesHeight = p.AxisY+5, p.AxisY+18, p.AxisY+24
	const ticks = 5
	for i := range ticks + 1 {
		tick := pageTick{labelWidth + (barWidth-labelWidth)*float64(i)/ticks, "+" + Duration(total*time.Duration(i)/ticks), "middle"}
		switch i {
		case 0:
			tick.Anchor = "start"
		case ticks:
			tick.Anchor = "end"
		}
		p.Ticks = append(p.Ticks, tick)
	}
}

// parts puts each attempt on the first line that is free, and draws how fast
// it went.
func (p *page) parts(records []Record) {
	var moments []Record
	for _, r := range records {
		if strings.HasPrefix(r.Type, "part_") || r.Type == "sent" {
			moments = append(moments, r)
		}
	}
	if len(moments) < 2 {
		return
	}
	begin := moments[0].Time
	total := float64(max(moments[len(moments)-1].Time.Sub(begin), time.Millisecond))
	at := func(t time.Time) float64 { return barWidth * float64(t.Sub(begin)) / total }
	type key struct {
		path string
		part int64
	}
	lines := []bool{} // which are taken
	line := map[key]int{}
	for _, r := range moments {
		k := key{r.text("package"), r.number("part")}
		switch r.Type {
		case "part_started":
			i := slices.Index(lines, false)
			if i < 0 {
				i, lines = len(lines), append(lines, false)
			}
			lines[i], line[k] = true, i
		case "part_done", "part_retry":
			i, ok := line[k]
			if !ok {
				continue
			}
			lines[i] = false
			delete(line, k)
			took := time.Duration(r.number("duration_ms")) * time.Millisecond
			class, text := "send", fmt.Sprintf("part %d, %s, %s", k.part, Bytes(r.number("length")), Duration(took))
			if r.Type == "part_retry" {
				class, text = "retry", fmt.Sprintf("part %d, attempt %d: %s", k.part, r.number("attempt"), r.text("error"))
				wait := time.Duration(r.number("wait_ms")) * time.Millisecond
				p.Retries = append(p.Retries, pageRetry{"+" + Duration(r.Time.Sub(begin)), r.text("error"), Duration(wait), k.part})
				if wait > 0 {
					p.bar("wait", fmt.Sprintf("part %d waits %s", k.part, Duration(wait)), i, at(r.Time), min(at(r.Time.Add(wait)), barWidth))
				}
			}
			p.bar(class, text, i, max(0, at(r.Time.Add(-took))), at(r.Time))
		}
	}
	p.PartsHeight = max(1, len(lines)) * 12
	p.PartsText = fmt.Sprintf("%d attempts to send parts, on %d lines; %d failed.", len(p.Bars), len(lines), len(p.Retries))
	p.pace(moments, at)
}

// bar draws an attempt or a pause. One that took no time is seen all the same.
func (p *page) bar(class, text string, line int, from, to float64) {
	if len(p.Bars) < maxBars {
		p.Bars = append(p.Bars, pageBar{class, text, from, max(to-from-0.5, 1), line * 12, 10})
	}
}

// pace draws throughput and parts in flight.
func (p *page) pace(moments []Record, at func(time.Time) float64) {
	type point struct{ x, rate, flight float64 }
	var points []point
	var last Record
	topRate, topFlight := 0.0, 0.0
	for _, r := range moments {
		if r.Type != "sent" {
			continue
		}
		if span := r.Time.Sub(last.Time).Seconds(); last.Type != "" && span > 0 {
			rate := max(0, float64(r.number("bytes")-last.number("bytes"))/span)
			points = append(points, point{at(r.Time), rate, float64(r.number("in_flight"))})
			topRate, topFlight = max(topRate, rate), max(topFlight, float64(r.number("in_flight")))
		}
		last = r
	}
	if len(points) < 2 || topRate == 0 || topFlight == 0 {
		return
	}
	var rates, flights strings.Builder
	for _, q := range points {
		fmt.Fprintf(&rates, "%.1f,%.1f ", q.x, 158-150*q.rate/topRate)
		fmt.Fprintf(&flights, "%.1f,%.1f ", q.x, 158-150*q.flight/topFlight)
	}
	p.Rate, p.Flight = rates.String(), flights.String()
	p.TopRate, p.TopFlight = Bytes(int64(topRate))+"/s", fmt.Sprintf("%.0f", topFlight)
}

func (p *page) calls(records []Record, begin time.Time) {
	for _, r := range records {
		if r.Type != "call" {
			continue
		}
		if len(p.Calls) == maxCalls {
			p.MoreCalls++
			continue
		}
		took := time.Duration(r.number("duration_ms")) * time.Millisecond
		path := r.text("url")
		if u, err := url.Parse(path); err == nil {
			path = u.Path
		}
		p.Calls = append(p.Calls, pageCall{
			At: "+" + Duration(max(r.Time.Add(-took).Sub(begin), 0)), Method: r.text("method"), Path: path, Took: Duration(took), Error: r.text("error"),
			Status: r.number("status"), Bad: r.number("status") >= 400 || r.number("status") == 0,
		})
	}
}
