package release

import "testing"

// The decision table of the package comment, row by row.
func TestWhatMayBeDoneWithAReservation(t *testing.T) {
	for name, c := range map[string]struct {
		evidence
		want verdict
	}{
		"this machine's own, without a file":             {evidence{own: true}, takeOver},
		"this machine's own, for this size":              {evidence{own: true, file: true, fits: true}, takeOver},
		"this machine's own, for another size":           {evidence{own: true, file: true}, remove},
		"another's, without a file":                      {evidence{}, takeOverIdle},
		"another's, without parts":                       {evidence{file: true, fits: true}, takeOverIdle},
		"another's, every part that arrived is the same": {evidence{file: true, fits: true, acknowledged: 3}, takeOver},
		"another's, a part differs":                      {evidence{file: true, fits: true, acknowledged: 3, differing: 1}, removeIdle},
		"another's, for another size":                    {evidence{file: true}, removeIdle},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(c.evidence); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
