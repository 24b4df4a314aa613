package ledger

//go:generate go tool cqrsgen generate
//go:generate go tool cqrsgen docs
