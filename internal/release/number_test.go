package release

import (
	"testing"
	"time"
)

func TestTheNextNumberKeepsItsForm(t *testing.T) {
	today := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for highest, want := range map[string]string{
		"1": "2", "9": "10", "007": "8", "99": "100", "1.2": "1.3", "1.2.9": "1.2.10", "0": "1",
		"20261122": "20261123", "20261123": "20261124", "20261201": "20261202", "2026112207": "2026112301", "2026112307": "2026112308", "202611220930": "202611230001",
		"20261122.4": "20261123.1", "20261123.4": "20261123.5", "1.20261122": "1.20261123", "20269999": "20270000", "19991231": "19991232",
	} {
		if got, err := nextNumber(highest, today); err != nil || got != want {
			t.Errorf("after %s comes %s (%v), want %s", highest, got, err, want)
		}
	}
	for _, highest := range []string{"", "1.x", "999999999999999999", "1."} {
		if got, err := nextNumber(highest, today); err == nil {
			t.Errorf("after %q comes %s", highest, got)
		}
	}
}
