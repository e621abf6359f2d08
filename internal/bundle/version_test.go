package bundle_test

import (
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle"
)

func TestVersionsAreComparedFieldByField(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"9", "10", -1}, {"1.2", "1.10", -1}, {"1.0", "1", 0}, {"01", "1", 0}, {"1.0.1", "1", 1}, {"2", "1.9.9", 1}, {"0.20.3", "0.9", 1}, {"99999999999999999", "100000000000000000", -1}, {"1.2.0", "1.2", 0}} {
		got := bundle.CompareVersions(c.a, c.b)
		if got > 0 {
			got = 1
		} else if got < 0 {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s and %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
