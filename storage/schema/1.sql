-- SPDX-License-Identifier: GPL-3.0-or-later
-- Schema version 1. A later version is a file of its own (2.sql, 3.sql, ...) that changes what the ones
-- before it made; a file is brought forward by running those it has not seen, all in one transaction.
--
-- Times are Unix time in microseconds. Frames are the engine's.

PRAGMA application_id = 1718578276; -- "fold": what tells our files from another program's

-- Everything that was set or refused, in the order it was written. Rows are added and never changed.
--
-- hash is the SHA-256, in lower-case hex, of the hash of the row before (64 zeros for the first) and
-- of this row's other columns in the order below. Each of these 16 items is written as its length in
-- bytes, a colon, its text and a comma; NULL is written "-,". Integers are decimal; least and greatest
-- are the 16 hex digits of their IEEE 754 bits, so that no two programs round them differently.
-- AUTOINCREMENT keeps the last id ever given, so that rows taken off the end are missed too.
CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	time_us INTEGER NOT NULL,
	frame INTEGER NOT NULL,
	origin TEXT NOT NULL,           -- who: "osc 127.0.0.1:5000", "optimizer RUN", "engine"
	address TEXT NOT NULL,
	old TEXT,                       -- before the (first) entry
	new TEXT,                       -- after the (last) entry
	outcome TEXT NOT NULL,          -- "ok", or why it was refused
	count INTEGER NOT NULL,         -- entries in this row: more than 1 for a fader ride
	first_time_us INTEGER NOT NULL, -- of the ride's first entry; time_us and frame are of its last
	first_frame INTEGER NOT NULL,
	first TEXT,                     -- after the first entry
	least REAL,                     -- of the values set; NULL where the value is no number
	greatest REAL,
	hash TEXT NOT NULL
);
CREATE INDEX audit_address ON audit (address, id);

-- An optimizer's session, a scene, a proposal: documents of the server's making.
CREATE TABLE session (
	id TEXT PRIMARY KEY,
	time_us INTEGER NOT NULL, -- last written
	document TEXT NOT NULL    -- JSON
);
CREATE TABLE scene (
	id TEXT PRIMARY KEY,
	time_us INTEGER NOT NULL,
	document TEXT NOT NULL
);
CREATE TABLE proposal (
	id TEXT PRIMARY KEY,
	time_us INTEGER NOT NULL,
	document TEXT NOT NULL
);

-- One parameter set, heard and measured.
CREATE TABLE run (
	number INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	session TEXT, -- session.id; that document may be written after its runs
	station INTEGER NOT NULL,
	time_us INTEGER NOT NULL,
	score REAL,
	source_hash TEXT, -- snapshot.name of what was heard
	frames INTEGER NOT NULL,
	sample_rate REAL NOT NULL,
	report TEXT NOT NULL -- JSON, whole
);
CREATE INDEX run_time ON run (time_us, number);
CREATE INDEX run_station ON run (station, time_us, number);

-- The run's metrics again, one a row, for questions across runs.
CREATE TABLE metric (
	run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
	id TEXT NOT NULL, -- of the metric catalogue
	value REAL NOT NULL,
	valid INTEGER NOT NULL,
	PRIMARY KEY (run, id)
) WITHOUT ROWID;

-- Audio: a run's output under the run's id, or a captured source under a name of its own.
CREATE TABLE snapshot (
	number INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	time_us INTEGER NOT NULL,
	pinned INTEGER NOT NULL, -- 1: never pruned
	channels INTEGER NOT NULL,
	frames INTEGER NOT NULL, -- per channel
	sample_rate REAL NOT NULL,
	bytes INTEGER NOT NULL,
	audio BLOB NOT NULL -- interleaved float32, little-endian
);
CREATE INDEX snapshot_age ON snapshot (pinned, time_us, number, bytes);
