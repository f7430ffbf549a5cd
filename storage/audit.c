/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "audit.h"

#include "schema.h"

#include <openssl/evp.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                    \
	"id, time_us, frame, origin, address, old, new, outcome, count, first_time_us, first_frame,"   \
	" first, least, greatest, hash"

typedef struct text {
	const char *at; /* NULL for NULL */
	size_t len;
} text;

/* What is hashed of a row, in the schema's order. */
typedef struct row {
	int64_t id, time_us, frame;
	text origin, address, old, new, outcome;
	int64_t count, first_time_us, first_frame;
	text first;
	bool has_least, has_greatest;
	double least, greatest;
} row;

static text text_of(const char *string)
{
	return (text){string, string ? strlen(string) : 0};
}

static bool add_text(EVP_MD_CTX *digest, text item)
{
	char head[24] = "-";
	int len = 1;
	if (item.at) {
		len = snprintf(head, sizeof head, "%zu:", item.len);
	}
	return EVP_DigestUpdate(digest, head, (size_t)len) &&
		   (!item.at || EVP_DigestUpdate(digest, item.at, item.len)) &&
		   EVP_DigestUpdate(digest, ",", 1);
}

static bool add_integer(EVP_MD_CTX *digest, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%" PRId64, value);
	return add_text(digest, text_of(digits));
}

static bool add_real(EVP_MD_CTX *digest, bool has, double value)
{
	char digits[24];
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	snprintf(digits, sizeof digits, "%016" PRIx64, bits);
	return add_text(digest, text_of(has ? digits : NULL));
}

static bool hash_row(EVP_MD_CTX *digest, const char *previous, const row *r, char *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	bool ok =
		EVP_DigestInit_ex(digest, EVP_sha256(), NULL) && add_text(digest, text_of(previous)) &&
		add_integer(digest, r->id) && add_integer(digest, r->time_us) &&
		add_integer(digest, r->frame) && add_text(digest, r->origin) &&
		add_text(digest, r->address) && add_text(digest, r->old) && add_text(digest, r->new) &&
		add_text(digest, r->outcome) && add_integer(digest, r->count) &&
		add_integer(digest, r->first_time_us) && add_integer(digest, r->first_frame) &&
		add_text(digest, r->first) && add_real(digest, r->has_least, r->least) &&
		add_real(digest, r->has_greatest, r->greatest) && EVP_DigestFinal_ex(digest, sum, NULL);
	for (int i = 0; ok && i < (FB_AUDIT_HASH - 1) / 2; i++) {
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
	}
	return ok;
}

static row row_of(const fb_ride *ride, int64_t id)
{
	const fb_ride *last = ride->last;
	return (row){.id = id,
		.time_us = last->time_us,
		.frame = (int64_t)last->frame,
		.origin = text_of(ride->origin),
		.address = text_of(ride->address),
		.old = text_of(ride->before),
		.new = text_of(last->after),
		.outcome = text_of(ride->outcome),
		.count = (int64_t)ride->count,
		.first_time_us = ride->time_us,
		.first_frame = (int64_t)ride->frame,
		.first = text_of(ride->after),
		.has_least = ride->mergeable,
		.has_greatest = ride->mergeable,
		.least = ride->least,
		.greatest = ride->greatest};
}

static void put_real(fb_sql *s, bool has, double value)
{
	if (has) {
		fb_sql_real(s, value);
	} else {
		fb_sql_null(s);
	}
}

static fb_status insert(fb_db *db, const row *r, const char *hash, fb_error *error)
{
	fb_sql s = fb_sql_start(db, "INSERT INTO audit (" COLUMNS ")"
								" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	fb_sql_integer(&s, r->id);
	fb_sql_integer(&s, r->time_us);
	fb_sql_integer(&s, r->frame);
	fb_sql_text(&s, r->origin.at);
	fb_sql_text(&s, r->address.at);
	fb_sql_text(&s, r->old.at);
	fb_sql_text(&s, r->new.at);
	fb_sql_text(&s, r->outcome.at);
	fb_sql_integer(&s, r->count);
	fb_sql_integer(&s, r->first_time_us);
	fb_sql_integer(&s, r->first_frame);
	fb_sql_text(&s, r->first.at);
	put_real(&s, r->has_least, r->least);
	put_real(&s, r->has_greatest, r->greatest);
	fb_sql_text(&s, hash);
	fb_sql_row(&s);
	return fb_sql_end(&s, error);
}

static fb_status cannot_hash(const char *path, fb_error *error)
{
	return fb_fail(error, FB_IO, path, "libcrypto gives no SHA-256");
}

fb_status fb_audit_write(fb_db *db, const fb_ride *ride, fb_audit_tip *tip, fb_error *error)
{
	if (!ride) {
		return FB_OK;
	}
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	fb_status status = digest ? FB_OK : fb_fail(error, FB_NO_MEMORY, db->path, "out of memory");
	for (; ride && status == FB_OK; ride = ride->next) {
		row r = row_of(ride, tip->id + 1);
		if (!hash_row(digest, tip->hash, &r, tip->hash)) {
			status = cannot_hash(db->path, error);
			break;
		}
		status = insert(db, &r, tip->hash, error);
		tip->id++;
	}
	EVP_MD_CTX_free(digest);
	return status;
}

static void no_hash(char *hash)
{
	memset(hash, '0', FB_AUDIT_HASH - 1);
	hash[FB_AUDIT_HASH - 1] = '\0';
}

fb_status fb_audit_find_tip(fb_db *db, fb_audit_tip *tip, fb_error *error)
{
	int64_t given;
	fb_status status =
		fb_db_integer(db, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", 0, &given, error);
	if (status != FB_OK) {
		return status;
	}
	no_hash(tip->hash);
	tip->id = given;
	fb_sql s = fb_sql_start(db, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1");
	if (fb_sql_row(&s)) {
		int64_t id = sqlite3_column_int64(s.statement, 0);
		const char *hash = (const char *)sqlite3_column_text(s.statement, 1);
		tip->id = id > given ? id : given;
		snprintf(tip->hash, sizeof tip->hash, "%s", hash ? hash : "");
	}
	return fb_sql_end(&s, error);
}

fb_status fb_audit_read(fb_db *db, const char *glob, uint32_t limit, json_t **out, fb_error *error)
{
	json_t *rows = json_array();
	/* A plain address is looked up in the index; a pattern walks back from the newest row. */
	bool plain = glob && !strpbrk(glob, "*?[");
	fb_sql s =
		plain ? fb_sql_start(db,
					"SELECT " COLUMNS " FROM audit WHERE address = ?1 ORDER BY id DESC LIMIT ?2")
			  : fb_sql_start(db, "SELECT " COLUMNS
								 " FROM audit WHERE address GLOB ?1 ORDER BY id DESC LIMIT ?2");
	fb_sql_text(&s, glob ? glob : "*");
	fb_sql_integer(&s, limit);
	bool ok = rows;
	while (ok && fb_sql_row(&s)) {
		json_t *object = json_object();
		for (int i = 0; i < sqlite3_column_count(s.statement); i++) {
			const char *key = sqlite3_column_name(s.statement, i);
			ok = ok && key && !json_object_set_new(object, key, fb_sql_json(&s, i));
		}
		ok = !json_array_append_new(rows, object) && ok;
	}
	fb_status status = fb_sql_end(&s, error);
	return fb_db_give(db, status, ok, rows, out, error);
}

static text text_at(const fb_sql *s, int column)
{
	/* column_text() before column_bytes(), as SQLite asks. */
	const char *at = (const char *)sqlite3_column_text(s->statement, column);
	return (text){at, (size_t)sqlite3_column_bytes(s->statement, column)};
}

static row row_at(const fb_sql *s)
{
	sqlite3_stmt *st = s->statement;
	return (row){.id = sqlite3_column_int64(st, 0),
		.time_us = sqlite3_column_int64(st, 1),
		.frame = sqlite3_column_int64(st, 2),
		.origin = text_at(s, 3),
		.address = text_at(s, 4),
		.old = text_at(s, 5),
		.new = text_at(s, 6),
		.outcome = text_at(s, 7),
		.count = sqlite3_column_int64(st, 8),
		.first_time_us = sqlite3_column_int64(st, 9),
		.first_frame = sqlite3_column_int64(st, 10),
		.first = text_at(s, 11),
		.has_least = sqlite3_column_type(st, 12) != SQLITE_NULL,
		.has_greatest = sqlite3_column_type(st, 13) != SQLITE_NULL,
		.least = sqlite3_column_double(st, 12),
		.greatest = sqlite3_column_double(st, 13)};
}

/* Ids are given without a gap, so a row that is missing shows as surely as one that was changed. */
static fb_status walk(
	fb_db *db, EVP_MD_CTX *digest, uint64_t *rows, uint64_t *first_broken, fb_error *error)
{
	char expected[FB_AUDIT_HASH], previous[FB_AUDIT_HASH];
	int64_t given, next_id = 1;
	fb_status status =
		fb_db_integer(db, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", 0, &given, error);
	if (status != FB_OK) {
		return status;
	}
	no_hash(previous);
	expected[FB_AUDIT_HASH - 1] = '\0';
	fb_sql s = fb_sql_start(db, "SELECT " COLUMNS " FROM audit ORDER BY id");
	while (fb_sql_row(&s)) {
		row r = row_at(&s);
		text hash = text_at(&s, 14);
		if (!hash_row(digest, previous, &r, expected)) {
			fb_sql_end(&s, NULL);
			return cannot_hash(db->path, error);
		}
		bool whole = r.id == next_id && hash.len == FB_AUDIT_HASH - 1 &&
					 !memcmp(hash.at, expected, FB_AUDIT_HASH);
		if (!whole && !*first_broken) {
			*first_broken = (uint64_t)next_id;
		}
		snprintf(previous, sizeof previous, "%s", hash.at ? hash.at : "");
		next_id = r.id + 1;
		(*rows)++;
	}
	if (given >= next_id && !*first_broken) {
		*first_broken = (uint64_t)next_id;
	}
	return fb_sql_end(&s, error);
}

fb_status fb_store_verify(const char *path, uint64_t *rows, uint64_t *first_broken, fb_error *error)
{
	fb_db db;
	uint64_t n = 0, broken = 0;
	fb_status status = fb_db_open(&db, path, SQLITE_OPEN_READONLY, error);
	if (status != FB_OK) {
		return status;
	}
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	status = fb_schema_check(&db, fb_schema_version, error);
	if (status == FB_OK && !digest) {
		status = fb_fail(error, FB_NO_MEMORY, path, "out of memory");
	}
	/* One transaction: the chain as it stood at one moment, while a server adds to it. */
	if (status == FB_OK) {
		status = fb_db_exec(&db, "BEGIN", error);
	}
	if (status == FB_OK) {
		status = walk(&db, digest, &n, &broken, error);
	}
	if (status == FB_OK) {
		*rows = n;
		*first_broken = broken;
	}
	EVP_MD_CTX_free(digest);
	fb_db_close(&db);
	return status;
}
