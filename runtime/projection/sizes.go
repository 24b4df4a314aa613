package projection

// Sizes are the pieces in which projections work. They trade memory, latency and speed, and nothing else: the rows are
// the same with any of them, which tests show by varying them. 0 stands for what was measured to be best.
type Sizes struct {
	// Chunk bounds the events that are read at once, Batch those that are folded before missing rows are loaded. Both end
	// where a commit ends.
	Chunk, Batch int
	// CacheRows bounds the rows that a projection keeps in memory, as the option of New does.
	CacheRows int
	// Lanes is the number of parts in which a run that catches up folds at the same time.
	Lanes int
}

// WithSizes says in which pieces the projections of a group work, but for what their own options say.
func WithSizes(sizes Sizes) GroupOption {
	return func(g *Group) {
		g.sizes = sizes
		if sizes.Chunk > 0 {
			g.feed.chunkRecords = sizes.Chunk
		}
	}
}

// apply puts the sizes that are given in the place of the measured ones.
func (s *settings) apply(sizes Sizes) {
	if sizes.Batch > 0 {
		s.batch = sizes.Batch
	}
	if sizes.CacheRows > 0 {
		s.cacheRows = sizes.CacheRows
	}
	if sizes.Lanes > 0 {
		s.lanes = min(sizes.Lanes, maxLanes)
	}
}
