package term

import (
	"fmt"
	"time"
)

// Bytes is a size as people read it, in decimal units as stores count.
func Bytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, "kB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if value < unit {
			break
		}
		value, suffix = value/unit, next
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}

// Duration is a time span in the coarseness that matters.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// color wraps text in an ANSI colour, if colours are on.
func (s Streams) color(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Streams) red(text string) string    { return s.color("31", text) }
func (s Streams) yellow(text string) string { return s.color("33", text) }
func (s Streams) dim(text string) string    { return s.color("2", text) }
func (s Streams) bold(text string) string   { return s.color("1", text) }
