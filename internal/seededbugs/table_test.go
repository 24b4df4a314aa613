package seededbugs

const (
	embedded   = "runtime/engine/embedded"
	postgres   = "runtime/engine/postgres"
	jetstream  = "runtime/engine/jetstream"
	archive    = "runtime/archive"
	aggregate  = "runtime/aggregate"
	projection = "runtime/projection"
)

// table has the bugs.
var table = []bug{
	{
		name:  "the name of a type that a fold prints is no part of what it means",
		file:  "gen/meaning/reach.go",
		edits: []edit{{old: "	c.show(t)\n	c.methodsWithin", new: "	c.methodsWithin"}},
		pkg:   "gen/meaning", run: "NamesAreMeaning",
	},
	{
		name:  "all functions of a module are the same for a fingerprint",
		file:  "gen/meaning/numbers.go",
		edits: []edit{{old: "c.number(name, len(numbers)-skipped)", new: "\"@\" + strings.Repeat(\"\", skipped)"}},
		pkg:   "gen/meaning", run: "NamesAreMeaning",
	},
	{
		name:  "a plan of a release that breaks what is stored ends well",
		file:  "gen/planned.go",
		edits: []edit{{old: "r.Breakage = evolve.BreakageOf(&broken.list)", new: "_ = broken"}},
		pkg:   "gen", run: "WhatBreaks",
	},
	{
		name:  "a plan takes what a fold is given for what it does",
		file:  "gen/evolve/reasonsgo.go",
		edits: []edit{{old: "if wasOwn != isOwn {", new: "if wasOwn+wasGiven != isOwn+isGiven {"}},
		pkg:   "gen", run: "GoldenAPlanTells",
	},
	{
		name:  "events in another order in the model make rows be built anew",
		file:  "gen/plan/fingerprint.go",
		edits: []edit{{old: "return strings.Compare(wire(a), wire(b))", new: "return 0 * strings.Compare(wire(a), wire(b))"}},
		pkg:   "gen", run: "GoldenAPlanGives",
	},
	{
		name:  "a mistake in a scenario hides what a change breaks",
		file:  "gen/breaking.go",
		edits: []edit{{old: "if within {", new: "if within && false {"}},
		pkg:   "gen", run: "MistakesInScenarios",
	},
	{
		name:  "a value of an enum that events are stored with goes, and nothing is said",
		file:  "gen/evolve/shapes.go",
		edits: []edit{{old: "if !has(n.Values, v.Text) {", new: "if false {"}},
		pkg:   "gen", run: "GoldenBreaking",
	},
	{
		name:  "a step of a history that was released may say something else",
		file:  "gen/evolve/events.go",
		edits: []edit{{old: "if what == \"\" {", new: "if true {"}},
		pkg:   "gen", run: "GoldenBreaking",
	},
	{
		name:  "a field that became another type is taken for declared",
		file:  "gen/evolve/remedy.go",
		edits: []edit{{old: "return \"\", false\n\t\tcase g.Name != f.Name:", new: "fallthrough\n\t\tcase g.Name != f.Name:"}},
		pkg:   "gen", run: "GoldenBreaking",
	},
	{
		name:  "a ciphertext is read in another place",
		file:  "runtime/personal/coder.go",
		edits: []edit{{old: "p.stream.Category, p.stream.ID, p.name, field}", new: "p.stream.Category, p.name, p.name, p.name}"}},
		pkg:   "runtime/personal", run: "IsReadNowhereElse",
	},
	{
		name:  "a store of keys that is away is taken for an erasure",
		file:  "runtime/personal/coder.go",
		edits: []edit{{old: "	if err != nil || k.destroyed {\n		return nil, id, err\n	}\n	var room", new: "	if err != nil || k.destroyed {\n		return nil, id, nil\n	}\n	var room"}},
		pkg:   "runtime/personal", run: "IsNoErasure",
	},
	{
		name:  "Forget says it once, and not behind the destroyed key",
		file:  "runtime/personal/forget.go",
		edits: []edit{{old: "return announce(ctx, log, s, \"end\", k.now())", new: "return announce(ctx, log, s, \"begin\", k.now())"}},
		pkg:   "runtime/personal", run: "ForgetGoesOn",
	},
	{
		name:  "what was decrypted before somebody was forgotten is written again",
		file:  "runtime/personal/coder.go",
		edits: []edit{{old: "case k.destroyed && c.place.kind == inState:", new: "case k.destroyed && c.place.kind == inEvent:"}},
		pkg:   "runtime/personal", run: "SameContent",
	},
	{
		name:  "rows of streams of two categories are taken for different ones",
		file:  "runtime/projection/cache.go",
		edits: []edit{{old: "case rec.Stream.Category == c.category:", new: "case c.category != \"\":"}},
		pkg:   "runtime/projection", run: "RowsAreFoundByNumber",
	},
	{
		name:  "a record that waits for its row does not keep its memory",
		file:  "runtime/projection/lane.go",
		edits: []edit{{old: "if len(l.rows.deferred) > deferred {", new: "if len(l.rows.deferred) > deferred+1<<30 {"}},
		pkg:   "runtime/projection", run: "WaitsForItsRow",
	},
	{
		name:  "numbers of streams are given after some may have changed",
		file:  "runtime/archive/streams.go",
		edits: []edit{{old: "return view{l.segments, l.names, !l.renumbered}", new: "return view{l.segments, l.names, true}"}},
		pkg:   archive, run: "NoNumberIsGiven",
	},
	{
		name: "a conflict is not looked for",
		file: "runtime/engine/memory/memory.go",
		edits: []edit{{
			old: "s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual)",
			new: "s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual) || s.Stream.ID != \"\"",
		}},
		pkg: "runtime/engine/memory", run: "Series/Races",
	},
	{
		name:  "vet does not see what a function changes through what it calls",
		file:  "gen/purity/resolve.go",
		edits: []edit{{old: "return min(o.Depth+c[i]-o.Fresh, deepest)", new: "return 0"}},
		pkg:   "gen/purity", run: "SeededImpurity",
	},
	{
		name:  "vet takes any loop over a map for one whose order does not matter",
		file:  "gen/purity/maporder.go",
		edits: []edit{{old: "if l.why != \"\" {\n", new: "if l.why == \"none\" {\n"}},
		pkg:   "gen/purity", run: "SeededImpurity",
	},
	{
		name: "a snapshot's checksum is not verified",
		file: "runtime/snapshot/snapshot.go",
		edits: []edit{{
			old: "crc32.Checksum(sealed[5:], castagnoli) != binary.BigEndian.Uint32(sealed[1:])",
			new: "sealed == nil",
		}},
		pkg: "runtime/snapshot", run: "Damaged",
	},
	{
		name:  "the setting that makes commits durable is not made",
		file:  "internal/sqlitedb/sqlitedb.go",
		edits: []edit{{old: `{"synchronous", "FULL", "2"}`, new: `{"synchronous", "NORMAL", "1"}`}},
		pkg:   "internal/sqlitedb", run: "SyncsEachCommit",
	},
	{
		name: "appends are acknowledged before the commit",
		file: "runtime/engine/embedded/writer.go",
		edits: []edit{
			{old: "		r.answer <- answers[i]\n", new: "		_ = answers[i]\n"},
			{
				old: "	err = sqlitedb.Commit(w.conn)\n",
				new: "	for i, r := range batch {\n\t\tr.answer <- answers[i]\n\t}\n	err = sqlitedb.Commit(w.conn)\n",
			},
		},
		pkg: embedded, run: "Series/Histories",
	},
	{
		name: "a stream that is only expected is not looked at",
		file: "runtime/engine/embedded/transaction.go",
		edits: []edit{{
			old: "s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual)",
			new: "len(s.Events) == 0 || s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual)",
		}},
		pkg: embedded, run: "Series/Races",
	},
	{
		name:  "versions come from a cache that another process made stale",
		file:  "runtime/engine/embedded/transaction.go",
		edits: []edit{{old: "if t.known && version == t.version {", new: "if t.known {"}},
		pkg:   embedded, run: "Series/Races",
	},
	{
		name:  "a command is recorded although its commit met a conflict",
		file:  "runtime/engine/embedded/transaction.go",
		edits: []edit{{old: "t.recordCommand(c, recorded, conflict == nil, imported)", new: "t.recordCommand(c, recorded, true, imported)"}},
		pkg:   embedded, run: "Series/Histories",
	},
	{
		name: "a command is not recorded where its events are",
		file: "runtime/engine/embedded/transaction.go",
		edits: []edit{{
			old: "		if err := execute(s); err != nil {\n			return first, false, err\n		}\n		if t.conn.Changes() == 1 {",
			new: "		if len(c.Streams) == 0 {\n			if err := execute(s); err != nil {\n				return first, false, err\n			}\n		}\n		if t.conn.Changes() == 1 {",
		}},
		pkg: embedded, run: "Series/Races",
	},
	{
		name:  "an unknown outcome is told as a failure",
		file:  "runtime/engine/embedded/writer.go",
		edits: []edit{{old: "&unansweredError{ctx.Err()}", new: "ctx.Err()"}},
		pkg:   embedded, run: "Conforms/Context",
	},
	{
		name: "a writer whose disk failed tries again",
		file: "runtime/engine/embedded/writer.go",
		edits: []edit{{
			old: "	w.failed.CompareAndSwap(nil, &eventlog.FailedError{Err: explain(context.Background(), err)})\n	return w.failed.Load()",
			new: "	return &eventlog.FailedError{Err: explain(context.Background(), err)}",
		}},
		pkg: embedded, run: "StaysFailed",
	},
	{
		name: "commits become visible in another order than that of their positions",
		file: "runtime/engine/memory/read.go",
		edits: []edit{{
			old: "			if !types.admits(",
			new: "			if rec.Commit[15]%2 == 0 && rec.Position > through-20 || !types.admits(",
		}},
		pkg: "runtime/engine/memory", run: "Series/Gaps",
	},
	{
		name:  "ids that differ in their case are one stream",
		file:  "runtime/engine/embedded/transaction.go",
		edits: []edit{{old: "category = ?1 AND name = ?2`", new: "category = ?1 AND name = ?2 COLLATE NOCASE`"}},
		pkg:   embedded, run: "Conforms/Limits/strange_ids",
	},
	{
		name: "a query by type leaves its categories out",
		file: "runtime/engine/embedded/names.go",
		edits: []edit{{
			old: "types.has(stmt.ColumnText(1)) && categories.has(stmt.ColumnText(2))",
			new: "types.has(stmt.ColumnText(1)) && (len(types) > 0 || categories.has(stmt.ColumnText(2)))",
		}},
		pkg: embedded, run: "Series/Equality",
	},
	{
		name:  "an import reorders what it carries",
		file:  "runtime/engine/embedded/import.go",
		edits: []edit{{old: "	for _, c := range commits {\n", new: "	for i := range commits {\n		c := commits[len(commits)-1-i]\n"}},
		pkg:   embedded, run: "Conforms/Transfer",
	},
	{
		name:  "an event's checksum is not compared",
		file:  "runtime/engine/embedded/chunk.go",
		edits: []edit{{old: "stored != int64(sum) {", new: "stored < 0 {"}},
		pkg:   embedded, run: "NotTheOneWritten",
	},
	{
		name: "a gap in the positions is skipped",
		file: "runtime/engine/embedded/read.go",
		edits: []edit{
			{old: "		r.after++\n		return nil", new: "		r.after = rec.Position\n		return nil"},
			{old: "if rec.Position != r.after+1 {", new: "if rec.Position < 0 {"},
		},
		pkg: embedded, run: "DamageIsNamed",
	},
	{
		name:  "a reader's cursor goes on past what it did not read",
		file:  "runtime/engine/embedded/read.go",
		edits: []edit{{old: "	if err == nil && !into.more {\n		r.after = end", new: "	if err == nil {\n		r.after = end"}},
		pkg:   embedded, run: "Conforms/Read",
	},
	{
		name: "a read model's checkpoint is stored before its rows",
		file: "runtime/sink/sqlite/table.go",
		edits: []edit{{
			old: "		err = t.store.write(ctx, func(c *sqlite.Conn) error { return t.finishBatch(c, b, changes) })\n",
			new: "		err = t.store.write(ctx, func(c *sqlite.Conn) error { return t.moveCheckpoint(c, b.From, b.To) })\n" +
				"	}\n	if err == nil {\n		err = t.store.write(ctx, func(c *sqlite.Conn) error { return t.change(c, changes) })\n",
		}},
		pkg: "runtime/sink/sqlite", run: "Conformance",
	},
	{
		name:  "a projector that was paused writes older rows over newer ones in SQLite",
		file:  "runtime/sink/sqlite/table.go",
		edits: []edit{{old: " WHERE excluded.%[3]s >= %[1]s.%[3]s", new: ""}},
		pkg:   "runtime/sink/sqlite", run: "ARowOfALateLoad",
	},
	{
		name: "in Elasticsearch, a row that a batch makes and deletes is not deleted",
		file: "runtime/sink/elastic/table.go",
		edits: []edit{{
			"RowsAhead() bool { return true }",
			"RowsAhead() bool { return false }",
		}},
		pkg: "runtime/sink/elastic", run: "ARowThatWasMadeAndDeleted",
	},
	{
		name:  "a row that Elasticsearch was too busy for counts as written",
		file:  "runtime/sink/elastic/table.go",
		edits: []edit{{old: "left, last = append(left, i), refused", new: "last = refused"}},
		pkg:   "runtime/sink/elastic", run: "RowsThatWereRejected",
	},
	{
		name: "an older row replaces a newer one in Elasticsearch",
		file: "runtime/sink/elastic/table.go",
		edits: []edit{{
			old: "	w.Raw(`,\"version_type\":\"external\",\"version\":`)\n	w.Int(int64(c.Position))\n", new: "",
		}},
		pkg: "runtime/sink/elastic", run: "APausedProjector",
	},
	{
		name:  "a checkpoint in Elasticsearch replaces one that another projector wrote",
		file:  "runtime/sink/elastic/table.go",
		edits: []edit{{old: "return fmt.Sprintf(\"if_seq_no=%d&if_primary_term=%d\", p.SeqNo, p.Term)", new: "return \"\""}},
		pkg:   "runtime/sink/elastic", run: "APausedProjector|Conformance/of_many",
	},
	{
		name: "a read model in PostgreSQL commits its checkpoint before its rows",
		file: "runtime/sink/postgres/apply.go",
		edits: []edit{{
			old: "queries := append(w.begin(&moved), w.chunks()...)",
			new: "queries := append(append(w.begin(&moved), query{sql: commitStatement}, query{sql: beginStatement}), w.chunks()...)",
		}},
		pkg: "runtime/sink/postgres", run: "Conformance/readers_see", servers: true,
	},
	{
		name:  "a fenced batch in PostgreSQL stores its rows",
		file:  "runtime/sink/postgres/apply.go",
		edits: []edit{{old: "WHERE %s ON CONFLICT (%s)", new: "WHERE %s OR TRUE ON CONFLICT (%s)"}},
		pkg:   "runtime/sink/postgres", run: "Conformance/a_batch_from_another", servers: true,
	},
	{
		name:  "a batch that was lost on its way to PostgreSQL is taken for stored",
		file:  "runtime/sink/postgres/apply.go",
		edits: []edit{{old: "if at, looked := t.look(ctx); looked != nil || at == b.To {", new: "if at, looked := t.look(ctx); looked != nil || at == b.From {"}},
		pkg:   "runtime/sink/postgres", run: "WhereverTheConnectionIsCut", servers: true,
	},
	{
		name: "a row that a part of a batch deletes in Redis leaves no tombstone",
		file: "runtime/sink/redis/write.go",
		edits: []edit{{
			old: `w.table.row(), "part", "", "")`,
			new: `w.table.row(), "whole", "", "")`,
		}},
		pkg: "runtime/sink/redis", run: "ABatchOfWhichSomeParts", servers: true, long: true,
	},
	{
		name:  "a projection that has nothing to write does not notice what Redis lost",
		file:  "runtime/sink/redis/table.go",
		edits: []edit{{old: "if left != nil && *left != at &&", new: "if left == nil && at.Position < 0 &&"}},
		pkg:   "runtime/sink/redis", run: "ThatLostItsLastSecond", servers: true,
	},
	{
		name:  "the checkpoint of a subscription passes events that are not handled",
		file:  "runtime/subscription/worker.go",
		edits: []edit{{old: "for n < len(w.window) && w.window[n].done {", new: "for n < len(w.window) {"}},
		pkg:   "runtime/subscription", run: "BeforeNoCheckpoint",
	},
	{
		name:  "two events of a stream are handled at the same time",
		file:  "runtime/subscription/worker.go",
		edits: []edit{{old: "len(st.queue) == 1 {", new: "len(st.queue) >= 1 {"}},
		pkg:   "runtime/subscription", run: "EachEvent|Whatever",
	},
	{
		name:  "a parked stream is forgotten when the process ends",
		file:  "runtime/subscription/worker.go",
		edits: []edit{{old: "	w.step.Park = append(w.step.Park, p)\n", new: ""}},
		pkg:   "runtime/subscription", run: "AParkedStream|Whatever",
	},
	{
		name:  "a query answers from a generation that is not built",
		file:  "runtime/readmodel/serving.go",
		edits: []edit{{old: "case own != nil && own.Checkpoint.Built:", new: "case own != nil:"}},
		pkg:   "runtime/readmodel", run: "TheGenerationThatAnswers",
	},
	{
		name:  "a generation is promoted that is not built",
		file:  "runtime/sink/sqlite/list.go",
		edits: []edit{{old: "if !next.Checkpoint.Built {", new: "if next.Checkpoint.Position < 0 {"}},
		pkg:   "runtime/sink/sqlite", run: "Conformance",
	},
	{
		name:  "a row that moved is compared as it is",
		file:  "runtime/generation/verify.go",
		edits: []edit{{old: "if max(from, oldFrom) > min(to, oldAt) {", new: "if max(from, oldFrom) < min(to, oldAt) {"}},
		pkg:   "runtime/generation", run: "RowsThatMoved",
	},
	{
		name:  "a snapshot of another shape of the state is used",
		file:  "runtime/aggregate/load.go",
		edits: []edit{{old: "case h.Fingerprint != a.def.Fingerprint:", new: "case h.Fingerprint == \"\":"}},
		pkg:   aggregate, run: "ASnapshotThatDoesNotFit",
	},
	{
		name:  "a snapshot of another history is used",
		file:  "runtime/aggregate/load.go",
		edits: []edit{{old: "if rec.Commit != l.commit {", new: "if rec.Commit == (cqrs.CommitID{}) {"}},
		pkg:   aggregate, run: "ASnapshotThatDoesNotFit",
	},
	{
		name:  "a refusal of a cached state is answered without what came after it",
		file:  "runtime/aggregate/also.go",
		edits: []edit{{old: "return i == last && p.isFresh() && !x.claimed", new: "return i <= last"}},
		pkg:   aggregate, run: "ARefusalOfAStateInMemory|AValueIsOnlyRefused",
	},
	{
		name:  "what came after a cached state is not read when the command is decided again",
		file:  "runtime/aggregate/part.go",
		edits: []edit{{old: "p.fresh = l == nil || l.shared || again || p.exact", new: "p.fresh = l == nil"}},
		pkg:   aggregate, run: "ARefusalOfAStateInMemory|IfVersionAsksTheLog",
	},
	{
		name: "a commit that nobody knows of is decided again",
		file: "runtime/aggregate/unknown.go",
		edits: []edit{{
			old: "return done, settled\n	}\n	return eventlog.Appended{}, x.unknown(err)",
			new: "return done, settled\n	}\n	return eventlog.Appended{}, &cqrs.ConflictError{Stream: x.own.stream}",
		}, {
			old: "done, settled := a.settle(ctx, c)",
			new: "done, settled := eventlog.Appended{}, x.unknown(err)",
		}},
		pkg: aggregate, run: "AnUnknownOutcomeIsFoundOut",
	}, {
		name: "positions are given before the commit, without a lock",
		file: "runtime/engine/postgres/session.go",
		edits: []edit{
			{old: "WHERE id = 1 FOR UPDATE`", new: "WHERE id = 1`"},
			{
				old: "`SELECT coalesce((SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1), 0), `",
				new: "`SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::bigint, `",
			},
		},
		pkg: postgres, run: "Series/Gaps", servers: true,
	}, {
		name: "a command does not look for a commit of which nobody knows",
		file: "runtime/aggregate/unknown.go",
		edits: []edit{{
			old: "	if err == nil || !errors.As(err, new(*eventlog.UnknownOutcomeError)) {",
			new: "	if true {",
		}},
		pkg: aggregate, run: "Unknown",
	}, {
		name: "PostgreSQL acknowledges before it has written",
		file: "runtime/engine/postgres/server.go",
		edits: []edit{
			{old: `{"synchronous_commit", "on", []string{"on",`, new: `{"synchronous_commit", "on", []string{"on", "off",`},
			{old: "'synchronous_commit', 'on', false", new: "'synchronous_commit', 'off', false"},
		},
		pkg: postgres, run: "HistoriesAreLinearizable", servers: true,
	}, {
		name:  "the name of an archive is not made durable",
		file:  "runtime/archive/writer.go",
		edits: []edit{{old: "err := w.fs.SyncDir(filepath.Dir(w.path))", new: "_, err := filepath.Abs(w.path)"}},
		pkg:   archive, run: "LossOfPower",
	},
	{
		name:  "an archive is renamed before it is synced",
		file:  "runtime/archive/writer.go",
		edits: []edit{{old: "w.err = explain(w.file.Sync())", new: "w.err = explain(nil)"}},
		pkg:   archive, run: "LossOfPower",
	},
	{
		name:  "an archive's checksums say nothing",
		file:  "runtime/archive/format.go",
		edits: []edit{{old: "return crc32.Checksum(b, castagnoli)", new: "return crc32.Checksum(nil, castagnoli)"}},
		pkg:   archive, run: "ChangedByte",
	},
	{
		name:  "a COMMIT without an answer is taken for a failure",
		file:  "runtime/engine/postgres/session.go",
		edits: []edit{{old: "return p, &unansweredError{probe, err}", new: "_ = probe\n\t\treturn nil, err"}},
		pkg:   postgres, run: "WhereverTheConnectionIsCut", servers: true, long: true,
	},
	{
		name:  "unsafe settings of the server are not looked at",
		file:  "runtime/engine/postgres/server.go",
		edits: []edit{{old: "!slices.Contains(d.safe, values[i]) && !slices", new: "d.safe == nil && !slices"}},
		pkg:   postgres, run: "UnsafeSettings", servers: true,
	},
	{
		name: "a publish expects nothing of its stream",
		file: "runtime/engine/jetstream/publish.go",
		edits: []edit{{
			old: "m.Header[headerExpected] = []string{", new: "m.Header[\"X-\"+headerExpected] = []string{",
		}},
		pkg: jetstream, run: "Conforms/Concurrency", servers: true,
	},
	{
		name:  "an id stands in a subject as it is",
		file:  "runtime/engine/jetstream/subject.go",
		edits: []edit{{old: "return string(appendToken(b, s.ID))", new: "return string(append(b, s.ID...))"}},
		pkg:   jetstream, run: "Conforms/Limits/strange_ids", servers: true,
	},
	{
		name:  "a reader that joins a scan does not get what this has read lately",
		file:  "runtime/projection/scan.go",
		edits: []edit{{old: "	for _, c := range s.window {\n		if c.through > r.want {", new: "	for _, c := range s.window[:0] {\n		if c.through > r.want {"}},
		pkg:   projection, run: "IsAddedCatchesUp|StartTogether",
	},
	{
		name:  "a checkpoint is written before all lanes have folded",
		file:  "runtime/projection/worker.go",
		edits: []edit{{old: "	if err := w.settle(); err != nil {\n		return err\n	}\n	if w.scanned", new: "	if w.scanned"}},
		pkg:   projection, run: "AnyLanes",
	},
	{
		name:  "a key belongs to no lane",
		file:  "runtime/projection/rows.go",
		edits: []edit{{old: "%r.lanes != r.lane", new: "%(r.lanes+1) != r.lane"}},
		pkg:   projection, run: "AnyHistory|AnyEffects",
	},
	{
		name:  "a generation is promoted whatever its rows are",
		file:  "runtime/projection/promote.go",
		edits: []edit{{old: "err = report.Err()", new: "_ = report.Err()"}},
		pkg:   projection, run: "PromotedOnlyIf",
	},
	{
		name:  "a generation of which nobody knows what folded it is promoted by itself",
		file:  "runtime/projection/promote.go",
		edits: []edit{{old: "return p.def.Manual || !cqrs.KnownMeaning(p.def.Codec.Schema.Fingerprint)", new: "return p.def.Manual"}},
		pkg:   projection, run: "MadeByWhatIsNotKnown",
	},
	{
		name:  "an older release that builds for longer replaces a later one",
		file:  "runtime/projection/promote.go",
		edits: []edit{{old: "later := i > active && own", new: "later := own"}},
		pkg:   projection, run: "AfterALater",
	},
	{
		name:  "what was rolled back while it was verified is promoted again",
		file:  "runtime/projection/promote.go",
		edits: []edit{{old: "if due, _, err := w.promotable(); err != nil || !due {", new: "if due, _, err := w.promotable(); err != nil && !due {"}},
		pkg:   projection, run: "RolledBackWhile",
	},
	{
		name:  "a generation is built where it meets a live scan that is held up",
		file:  "runtime/projection/worker.go",
		edits: []edit{{old: "return w.scanned >= w.goal, nil", new: "return true, nil"}},
		pkg:   projection, run: "HeldUp",
	},
	{
		name:  "a reader that is slow holds up the others for ever",
		file:  "runtime/projection/scan.go",
		edits: []edit{{old: "			s.shed()\n", new: ""}},
		pkg:   projection, run: "StuckDoesNotStop",
	},
	{
		name:  "a projector that another one replaced goes on writing",
		file:  "runtime/sink/sqlite/table.go",
		edits: []edit{{old: "	if stored != from {", new: "	if stored.Position > to.Position {"}},
		pkg:   "runtime/sink/sqlite", run: "Conformance",
	},
	{
		name:  "rows that a refused commit touched stay as it left them",
		file:  "runtime/projection/inline.go",
		edits: []edit{{old: "	touched := in.rows.dirty\n", new: "	touched := in.rows.dirty[:0]\n"}},
		pkg:   "runtime/projection", run: "FoldThatFailsRefuses/sqlite",
	},
	{
		name:  "an inline fold writes whichever generation is active",
		file:  "runtime/projection/inline.go",
		edits: []edit{{old: `case active != "":`, new: `case active == "other":`}},
		pkg:   "runtime/projection", run: "TwoFolds/sqlite",
	},
	{
		name:  "what others have appended is not made good",
		file:  "runtime/projection/inline.go",
		edits: []edit{{old: "case behind > 0:", new: "case behind < 0:"}},
		pkg:   "runtime/projection", run: "DoesNotKnowTheProjection/sqlite",
	},
	{
		name:  "a newer event is read as an older one, whatever changed",
		file:  "runtime/cqrs/version.go",
		edits: []edit{{old: "	case from > known:", new: "	case from > r.SchemaVersion:"}},
		pkg:   "runtime/cqrs", run: "ARecordSays",
	},
	{
		name:  "an event does not say from which version on it can be read",
		file:  "runtime/aggregate/definition.go",
		edits: []edit{{old: "ContentType: p.encoding,", new: "ContentType: cqrs.JSON,"}},
		pkg:   "testdata/golden/evolution", run: "EventsAreStored",
	},
	{
		name:  "what the older event lacked gets no value",
		file:  "gen/plan/evolution.go",
		edits: []edit{{old: "i >= 0 && !a.Value.Absent {", new: "i >= 0 && a.Value.Absent {"}},
		pkg:   "gen", run: "TestGoldenModelsBecomeTheirGoldenGo/evolution",
	},
	{
		name:  "of an event that was split only the first part is applied",
		file:  "testdata/golden/evolution/evolution_gen.go",
		edits: []edit{{old: "	for i := range r.Noted {\n", new: "	for i := range r.Noted[:min(1, len(r.Noted))] {\n"}},
		pkg:   "testdata/golden/evolution", run: "HistoriesOfAllVersions",
	},
	{
		name:  "events are stored before the log says what they replace",
		file:  "runtime/aggregate/execute.go",
		edits: []edit{{old: "	if err := x.own.announce(ctx); err != nil {\n		return err\n	}\n", new: ""}},
		pkg:   "runtime/aggregate", run: "TheLogSaysWhatIsReplaced",
	},
	{
		name:  "a reader goes on that knows a part of what is in the place of its event",
		file:  "runtime/cqrs/replaced.go",
		edits: []edit{{old: "	if len(unknown) == 0 {", new: "	if len(unknown) < len(v.By) {"}},
		pkg:   "runtime/cqrs", run: "AReaderStops",
	},
	{
		name:  "a projection does not ask where its events are replaced",
		file:  "runtime/projection/projection.go",
		edits: []edit{{old: "append(slices.Clip(def.Events), cqrs.Replaced)", new: "slices.Clip(def.Events)"}},
		pkg:   "runtime/projection", run: "EachLaneOfAProjection",
	},
	{
		name:  "a subscription looks only behind its checkpoint for what is replaced",
		file:  "runtime/subscription/worker.go",
		edits: []edit{{old: "if rec.Position > w.frontier {", new: "if rec.Position > 0 {"}},
		pkg:   "runtime/subscription", run: "ComesBackWaits|DoesNotTryParked",
	},
	{
		name: "a fold in Go goes on counting from what it was called with before",
		file: "example/ledger/balance_by_currency.go",
		edits: []edit{
			{old: "type BalanceByCurrency struct{}\n", new: "type BalanceByCurrency struct{}\n\nvar movements int64\n"},
			{old: "	row.Movements++\n", new: "	movements++\n	row.Movements = movements\n"},
		},
		pkg: "example/ledger", run: "TestReplayRows",
	},
	{
		name:  "a row that has to be loaded forgets what was folded into it in the same batch",
		file:  "runtime/projection/rows.go",
		edits: []edit{{old: "	if e.state != missing {\n		return\n	}\n	if n := len", new: "	if e.state != missing || len(r.deferred) > 2 {\n		return\n	}\n	if n := len"}},
		pkg:   "example/ledger", run: "TestReplayRows",
	},
}
