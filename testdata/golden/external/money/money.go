// Package money is one that a team has already.
package money

// Amount is a sum in minor units.
type Amount struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}
