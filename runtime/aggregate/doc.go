// Package aggregate executes commands: load (snapshot and tail), decide, apply, append; and again where another
// writer was faster.
//
// Generated code describes an aggregate with a Definition and each command with a Command; the pure functions behind
// them are the team's. The events that a decider returned are applied to the state before they are appended, so that
// an event which its own fold refuses is never stored. Deciders are pure, which makes deciding again always safe.
package aggregate
