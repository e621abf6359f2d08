//go:build !race

package bundle

// UnderRace tells whether the race detector is on.
const UnderRace = false
