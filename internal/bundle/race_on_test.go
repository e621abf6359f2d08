//go:build race

package bundle

// UnderRace tells whether the race detector is on. What is measured here is then
// that of the detector, and takes twenty times as long.
const UnderRace = true
