// Package generation is what an operator does with the generations of a read model, and what a projector does before it
// promotes one by itself: it compares two of them, explains how they differ, folds a sample of the rows once more, and
// promotes, rolls back and drops.
package generation
