-- SPDX-License-Identifier: GPL-3.0-or-later
-- Schema version 2: what the server is told once and keeps (what scenes leave alone).

CREATE TABLE setting (
	id TEXT PRIMARY KEY,
	time_us INTEGER NOT NULL,
	document TEXT NOT NULL
);
