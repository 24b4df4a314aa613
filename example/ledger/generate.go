package ledger

//go:generate go tool cqrsgen generate
