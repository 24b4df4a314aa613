//go:build race

package seededbugs

const raceDetector = true
