//go:build !race

package seededbugs

const raceDetector = false
