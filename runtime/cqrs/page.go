package cqrs

// Cursor says where a page of a query ends. It is opaque: its text is only for the same query of the same release, and
// holds the values of the row that it points to. The empty Cursor is the start.
type Cursor string

// Page is a part of a query's answer. Pages do not count rows: each continues behind the last row of the one before,
// as it was then, so that rows that come and go meanwhile neither repeat nor hide others.
type Page struct {
	// Limit bounds the number of rows; 0 is no bound.
	Limit int
	// After is the Next of the page before.
	After Cursor
	// Next is set by the query: where the next page starts, empty if there is nothing more.
	Next Cursor
}

// InPage makes a query answer with one page, and sets p.Next. It is for queries that return many rows in an order.
func InPage(p *Page) QueryOption {
	return func(o *QueryOptions) { o.Page = p }
}
