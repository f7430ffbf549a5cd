/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What is made of a model's text: refused, cut back or taken, part by part; and how text from
	outside is made fit to be shown. */
#include "testing.h"

#include "bench.h"

#include "../../../clients/optimizer/advice.h"
#include "../../../clients/optimizer/plain.h"
#include "../../../clients/optimizer/reply.h"

typedef struct stage {
	fb_knobs knobs;
	fb_trials history;
	fb_advice advice;
} stage;

static void set_up(stage *s)
{
	bench_knobs(&s->knobs);
	bench_begin(&s->history, &s->knobs);
}

static void tear_down(stage *s)
{
	fb_advice_finish(&s->advice);
	fb_trials_finish(&s->history);
	fb_knobs_finish(&s->knobs);
}

static void advise(stage *s, const char *parameters, double max_step)
{
	char text[1024];
	fb_error error;
	fb_advice_finish(&s->advice);
	snprintf(text, sizeof text,
		"{\"recommended_parameters\": {%s}, \"reasoning\": \"\", \"expected_improvement\": 1}",
		parameters);
	assert_int_equal(fb_advice_read(&s->advice, text, &s->history, max_step, &error), FB_OK);
}

static double value(const stage *s, const char *key)
{
	return s->advice.value[fb_knobs_find(&s->knobs, key)];
}

static bool remarked(const stage *s, const char *text)
{
	size_t at;
	json_t *one;
	json_array_foreach(s->advice.remarks, at, one)
	{
		if (strstr(json_string_value(one), text)) {
			return true;
		}
	}
	return false;
}

static void test_takes_what_is_good(void **state)
{
	(void)state;
	stage s = {0};
	set_up(&s);
	advise(&s,
		"\"trim.gain\": 6, \"eq.b1_on\": false, \"out.steps\": 7, \"eq.b1_freq\": null, "
		"\"eq.b2_gain\": 99, \"no.such\": 1, \"eq.b2_on\": \"yes\", \"out.nothing\": 1.5",
		1.0);
	assert_int_equal(s.advice.taken, 4);
	assert_near(value(&s, "trim.gain"), 6.0, 0.0);
	assert_near(value(&s, "eq.b1_on"), 0.0, 0.0);
	assert_near(value(&s, "out.steps"), 7.0, 0.0);
	assert_near(value(&s, "eq.b1_freq"), 1000.0, 0.0);
	assert_near(value(&s, "eq.b2_gain"), -6.0, 0.0);
	assert_near(value(&s, "eq.b2_on"), 0.0, 0.0);
	assert_true(remarked(&s, "eq.b2_gain: refused, 99 is out of range (-24 to 24)"));
	assert_true(remarked(&s, "no.such: refused, there is no such parameter"));
	assert_true(remarked(&s, "eq.b2_on: refused, needs true or false"));
	assert_int_equal(json_array_size(s.advice.remarks), 3);
	tear_down(&s);
}

static void test_whole_numbers(void **state)
{
	(void)state;
	stage s = {0};
	set_up(&s);
	advise(&s, "\"out.steps\": 5.5", 1.0);
	assert_int_equal(s.advice.taken, 0);
	assert_true(remarked(&s, "out.steps: refused, needs a whole number"));
	advise(&s, "\"out.steps\": 6.0", 1.0);
	assert_near(value(&s, "out.steps"), 6.0, 0.0);
	/* a step below one still is one: else it could never move */
	advise(&s, "\"out.steps\": 8", 0.01);
	assert_near(value(&s, "out.steps"), 5.0, 0.0);
	tear_down(&s);
}

static void test_steps_are_cut_back(void **state)
{
	(void)state;
	stage s = {0};
	set_up(&s);
	advise(&s, "\"trim.gain\": -60, \"eq.b1_freq\": 20000", 0.1);
	assert_near(
		value(&s, "trim.gain"), -8.4, 0.05); /* a tenth of 84 dB, rounded as a person would */
	assert_near(value(&s, "eq.b1_freq"), 2000.0, 10.0); /* of three decades */
	assert_true(remarked(&s, "trim.gain: -60 is too far in one round"));
	tear_down(&s);
}

static void test_what_was_tried_is_no_advice(void **state)
{
	(void)state;
	stage s = {0};
	set_up(&s);
	advise(&s, "\"trim.gain\": 0", 1.0);
	assert_int_equal(s.advice.taken, 0);
	assert_true(remarked(&s, "nothing of the answer changes anything"));
	tear_down(&s);
}

static void test_forms(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "null", "[]", "{}", "{\"recommended_parameters\": []}",
		"{\"recommended_parameters\": {}, \"reasoning\": 1, \"expected_improvement\": 1}",
		"{\"recommended_parameters\": {}, \"reasoning\": \"\", \"expected_improvement\": 1e999}",
		"{\"recommended_parameters\": {}, \"reasoning\": \"\", \"expected_improvement\": 1} etc",
		"```json\n{\"recommended_parameters\": {}", "``````", "```", "\xff\xfe",
		"{\"a\": \"\\u0000\"}"};
	stage s = {0};
	fb_error error;
	set_up(&s);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(fb_advice_read(&s.advice, bad[i], &s.history, 1.0, &error), FB_OK);
		assert_int_equal(s.advice.taken, 0);
		assert_int_equal(json_array_size(s.advice.remarks), 1);
		fb_advice_finish(&s.advice);
	}
	static const char fenced[] = "\n```json\n{\"recommended_parameters\": {\"trim.gain\": 3}, "
								 "\"reasoning\": \"\", \"expected_improvement\": 1}\n```\n";
	assert_int_equal(fb_advice_read(&s.advice, fenced, &s.history, 1.0, &error), FB_OK);
	assert_int_equal(s.advice.taken, 1);
	tear_down(&s);
}

/** What a model thinks before it answers is no part of its answer. */
static void test_thoughts(void **state)
{
	(void)state;
#define ANSWER                                                                                     \
	"{\"recommended_parameters\": {\"trim.gain\": 3}, \"reasoning\": \"</think>\", "               \
	"\"expected_improvement\": 1}"
	static const char *const good[] = {ANSWER,
		"<think>\nWhat if {\"trim.gain\": 9}?\n</think>\n" ANSWER, "more {gain}</think>" ANSWER,
		"\n<think></think>\n```json\n" ANSWER "\n```"};
	static const char *const bad[] = {"<think>" ANSWER, "<think> </think>", ANSWER "</think>"};
	stage s = {0};
	fb_error error;
	set_up(&s);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(fb_advice_read(&s.advice, good[i], &s.history, 1.0, &error), FB_OK);
		assert_int_equal(s.advice.taken, 1);
		assert_near(value(&s, "trim.gain"), 3.0, 0.0);
		fb_advice_finish(&s.advice);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(fb_advice_read(&s.advice, bad[i], &s.history, 1.0, &error), FB_OK);
		assert_int_equal(s.advice.taken, 0);
		fb_advice_finish(&s.advice);
	}
	tear_down(&s);
}

/** A model that fills its form with the values it was told changes nothing, though it was told them
	in few digits. */
static void test_values_given_back(void **state)
{
	(void)state;
	stage s = {0};
	bench_knobs(&s.knobs);
	fb_knob *gain = &s.knobs.knob[fb_knobs_find(&s.knobs, "trim.gain")],
			*freq = &s.knobs.knob[fb_knobs_find(&s.knobs, "eq.b1_freq")];
	gain->start = 0.70710678;
	freq->start = 1234.5678;
	freq->max = 4567.8901; /* a station may let a proposal go no farther */
	bench_begin(&s.history, &s.knobs);
	advise(&s, "\"trim.gain\": 0.707, \"eq.b1_freq\": 1234.6", 1.0);
	assert_int_equal(s.advice.taken, 0);
	assert_near(value(&s, "trim.gain"), 0.70710678, 0.0);
	advise(&s, "\"eq.b1_freq\": 4567.9", 1.0);
	assert_int_equal(s.advice.taken, 1);
	assert_false(remarked(&s, "out of range"));
	tear_down(&s);
}

/** Whatever form a message has, the text is what the model says. */
static void test_forms_of_messages(void **state)
{
	(void)state;
	static const struct {
		const char *message, *text, *fault;
	} rows[] = {{"{\"content\": \"a\"}", "a", ""},
		{"{\"content\": [{\"type\": \"text\", \"text\": \"a\"}, {\"text\": \"b\"}]}", "ab", ""},
		{"{\"content\": [{\"type\": \"reasoning\", \"text\": \"hm\"}, {\"type\": \"output_text\", "
		 "\"text\": \"b\"}]}",
			"b", ""},
		{"{\"content\": null, \"tool_calls\": []}", NULL,
			"the model called a tool instead of answering"},
		{"{\"content\": null, \"reasoning_content\": \"hm\"}", NULL, "the answer is empty"},
		{"{\"content\": 5}", NULL, "the answer is empty"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[400];
		fb_reply reply;
		snprintf(body, sizeof body, "{\"choices\": [{\"message\": %s}]}", rows[i].message);
		fb_reply_read(&reply, body);
		if (rows[i].text) {
			assert_string_equal(reply.text, rows[i].text);
		} else {
			assert_null(reply.text);
		}
		assert_string_equal(reply.fault, rows[i].fault);
		fb_reply_finish(&reply);
	}
}

static void test_plain(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"a\tb\nc", "a b c"}, {"\x1b[31mred\x07", "?[31mred?"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb5",
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb5"},
		{"\xc2\x9b"
		 "31m",
			"?31m"},
		{"\xe2\x80\xae"
		 "evil",
			"?evil"},
		{"\xc0\xafx", "??x"}, {"\xed\xa0\x80", "???"}, {"\xf5\x80", "??"}, {"cut\xe2\x82", "cut??"},
		{"\x7f", "?"}};
	char out[64];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fb_plain(out, sizeof out, rows[i][0]);
		assert_string_equal(out, rows[i][1]);
	}
	fb_plain(out, 6,
		"abc\xe2\x82\xac"
		"d"); /* never within a character */
	assert_string_equal(out, "abc");
	fb_plain(out, 1, "x");
	assert_string_equal(out, "");
}

static void test_hide(void **state)
{
	(void)state;
	char text[] = "key sk-1, again sk-1sk-1 and sk-";
	fb_plain_hide(text, "sk-1");
	assert_string_equal(text, "key ****, again ******** and sk-");
	fb_plain_hide(text, "");
	fb_plain_hide(text, NULL);
	/* as escapes of JSON, once or in a text within a text */
	char escaped[] = "\\u0073k-1 \\\\u0073\\\\u006B-1 \\u0073k-2 \\u007 s\\/k";
	fb_plain_hide(escaped, "sk-1");
	assert_string_equal(escaped, "********* **************** \\u0073k-2 \\u007 s\\/k");
	char letter[] = "\\u0064\\u006f\\u0075 do\\u0075 dou \\u0075u";
	fb_plain_hide(letter, "dou"); /* the letter that escapes begin with */
	assert_string_equal(letter, "****************** ******** *** \\u0075u");
	fb_plain_hide(escaped, "s/k");
	assert_string_equal(escaped, "********* **************** \\u0073k-2 \\u007 ****");
}

/** Bodies cut off anywhere end in a fault, never in a text. */
static void test_truncated_bodies(void **state)
{
	(void)state;
	static const char whole[] = "{\"choices\": [{\"finish_reason\": \"stop\", \"message\": "
								"{\"content\": \"{}\"}}], \"usage\": "
								"{\"prompt_tokens\": 5, \"completion_tokens\": -7}}";
	fb_reply reply;
	char cut[sizeof whole];
	for (size_t len = 0; len + 1 < sizeof whole; len++) {
		memcpy(cut, whole, len);
		cut[len] = '\0';
		fb_reply_read(&reply, cut);
		assert_null(reply.text);
		assert_true(*reply.fault);
		fb_reply_finish(&reply);
	}
	fb_reply_read(&reply, whole);
	assert_string_equal(reply.text, "{}");
	assert_near(reply.tokens_in, 5.0, 0.0);
	assert_true(reply.tokens_out < 0.0); /* no count is below nothing */
	fb_reply_finish(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_takes_what_is_good),
		cmocka_unit_test(test_whole_numbers), cmocka_unit_test(test_steps_are_cut_back),
		cmocka_unit_test(test_what_was_tried_is_no_advice), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_thoughts), cmocka_unit_test(test_values_given_back),
		cmocka_unit_test(test_forms_of_messages), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_hide), cmocka_unit_test(test_truncated_bodies)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
