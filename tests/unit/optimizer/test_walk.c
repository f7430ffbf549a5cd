/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../clients/optimizer/walk.h"

/* As foldbackd answers, less what the walk does not read. */
static const char station[] =
	"{\"FULL_PATH\": \"/station/1\", \"ACCESS\": 0, \"CONTENTS\": {"
	" \"name\": {\"FULL_PATH\": \"/station/1/name\", \"ACCESS\": 3, \"TYPE\": \"s\", \"VALUE\": "
	"[\"\"]},"
	" \"mute\": {\"FULL_PATH\": \"/station/1/mute\", \"ACCESS\": 3, \"TYPE\": \"T\", \"VALUE\": "
	"[false]},"
	" \"metric\": {\"CONTENTS\": {\"rms\": {\"ACCESS\": 1, \"TYPE\": \"f\", \"VALUE\": [-20.0],"
	"   \"LABEL\": \"RMS level\", \"UNIT\": [\"dBFS\"]}}},"
	" \"eq\": {\"CONTENTS\": {"
	"   \"b1_freq\": {\"FULL_PATH\": \"/station/1/eq/b1_freq\", \"ACCESS\": 3, \"TYPE\": \"f\","
	"     \"VALUE\": [80.0], \"RANGE\": [{\"MIN\": 20.0, \"MAX\": 20000.0}], \"UNIT\": "
	"[\"time.hz\"],"
	"     \"SCALE\": [\"log\"], \"LABEL\": \"Band 1 frequency\", \"DOC\": \"Centre\"},"
	"   \"b1_type\": {\"FULL_PATH\": \"/station/1/eq/b1_type\", \"ACCESS\": 3, \"TYPE\": \"s\","
	"     \"VALUE\": [\"notch\"], \"RANGE\": [{\"VALS\": [\"bell\", \"shelf\", \"notch\"]}]},"
	"   \"b1_on\": {\"FULL_PATH\": \"/station/1/eq/b1_on\", \"ACCESS\": 3, \"TYPE\": \"T\", "
	"\"VALUE\": [true]},"
	"   \"bypass\": {\"FULL_PATH\": \"/station/1/eq/bypass\", \"ACCESS\": 3, \"TYPE\": \"T\", "
	"\"VALUE\": [false]}}},"
	" \"comp\": {\"CONTENTS\": {"
	"   \"ratio\": {\"FULL_PATH\": \"/station/1/comp/ratio\", \"ACCESS\": 3, \"TYPE\": \"f\","
	"     \"VALUE\": [2.0], \"RANGE\": [{\"MIN\": 1.0, \"MAX\": 100.0}], \"UNIT\": [\":1\"], "
	"\"SCALE\": [\"log\"]},"
	"   \"order\": {\"FULL_PATH\": \"/station/1/comp/order\", \"ACCESS\": 3, \"TYPE\": \"i\","
	"     \"VALUE\": [2], \"RANGE\": [{\"MIN\": 1, \"MAX\": 8}]},"
	"   \"label\": {\"FULL_PATH\": \"/station/1/comp/label\", \"ACCESS\": 3, \"TYPE\": \"s\", "
	"\"VALUE\": [\"\"]},"
	"   \"reset\": {\"FULL_PATH\": \"/station/1/comp/reset\", \"ACCESS\": 2, \"TYPE\": \"N\"},"
	"   \"meter\": {\"CONTENTS\": {\"reduction\": {\"ACCESS\": 1, \"TYPE\": \"f\", \"VALUE\": "
	"[0.0]}}},"
	"   \"bypass\": {\"FULL_PATH\": \"/station/1/comp/bypass\", \"ACCESS\": 3, \"TYPE\": \"T\", "
	"\"VALUE\": [false]}}},"
	" \"gate\": {\"CONTENTS\": {"
	"   \"hold\": {\"FULL_PATH\": \"/station/1/gate/hold\", \"ACCESS\": 3, \"TYPE\": \"f\","
	"     \"VALUE\": [2.0], \"RANGE\": [{\"MIN\": 1.0, \"MAX\": 100.0}]},"
	"   \"bypass\": {\"FULL_PATH\": \"/station/1/gate/bypass\", \"ACCESS\": 3, \"TYPE\": \"T\", "
	"\"VALUE\": [true]}}}}}";

static json_t *tree(void)
{
	json_error_t why;
	json_t *json = json_loads(station, 0, &why);
	if (!json) {
		fail_msg("%s", why.text);
	}
	return json;
}

/** The keys it finds, joined; or the error. */
static const char *walked(const char *only, const char *freeze)
{
	static char text[512];
	fb_knobs knobs;
	fb_error error;
	json_t *json = tree(), *all = json_pack("[O]", json);
	const fb_walk_limits limits = {only, freeze};
	text[0] = '\0';
	fb_status status = fb_walk_check(all, &limits, &error);
	json_decref(all);
	if (status || fb_walk(json, &limits, &knobs, &error)) {
		snprintf(text, sizeof text, "%s: %s", error.where, error.text);
	} else {
		for (int k = 0; k < knobs.count; k++) {
			strcat(strcat(text, k ? " " : ""), knobs.knob[k].key);
		}
		fb_knobs_finish(&knobs);
	}
	json_decref(json);
	return text;
}

/** Nodes alone, what can be set alone, and nothing of a node that is bypassed. */
static void test_what_is_found(void **state)
{
	(void)state;
	assert_string_equal(walked(NULL, NULL), "eq.b1_freq eq.b1_type eq.b1_on comp.ratio comp.order");
}

static void test_limits(void **state)
{
	(void)state;
	assert_string_equal(walked("eq.*", NULL), "eq.b1_freq eq.b1_type eq.b1_on");
	assert_string_equal(walked("comp,eq.b?_on", NULL), "eq.b1_on comp.ratio comp.order");
	assert_string_equal(walked(NULL, "eq,comp.ratio"), "comp.order");
	assert_string_equal(walked("eq.*", "*.b1_t*"), "eq.b1_freq eq.b1_on");
	assert_string_equal(walked(" eq.b1_on , ,comp.order,", ""), "eq.b1_on comp.order");
	assert_string_equal(walked(NULL, "limiter.ceiling"),
		"--freeze: \"limiter.ceiling\" fits no parameter of the station");
	assert_string_equal(walked(" ,", NULL), "--only: names nothing");
}

/** A pattern fits what there is, whatever another option or the station says of it. */
static void test_limits_together(void **state)
{
	(void)state;
	assert_string_equal(walked("comp.*", "eq.b1_on"), "comp.ratio comp.order");
	assert_string_equal(walked("eq.*,gate.*", NULL), "eq.b1_freq eq.b1_type eq.b1_on");
	assert_string_equal(
		walked(NULL, "gate"), "eq.b1_freq eq.b1_type eq.b1_on comp.ratio comp.order");
	assert_string_equal(walked("gate", NULL),
		"/station/1: there are no parameters to turn: of 6, 5 not named by --only, 1 of bypassed "
		"nodes");
	assert_string_equal(walked("comp", "comp"),
		"/station/1: there are no parameters to turn: of 6, 4 not named by --only, 2 frozen");
}

/** More patterns than a word has bits: the last counts like the first. */
static void test_many_patterns(void **state)
{
	(void)state;
	char list[1000] = "";
	for (int i = 0; i < 100; i++) {
		strcat(list, "eq.b1_on,");
	}
	assert_string_equal(walked(strcat(list, "comp.order"), NULL), "eq.b1_on comp.order");
	assert_string_equal(walked(strcat(list, ",nosuch"), NULL),
		"--only: \"nosuch\" fits no parameter of the station");
}

/** Of several stations it is enough that one has what a pattern names. */
static void test_limits_of_several(void **state)
{
	(void)state;
	fb_error error;
	json_t *one = tree(), *other = tree();
	json_object_del(json_object_get(other, "CONTENTS"), "comp");
	json_t *both = json_pack("[o, o]", other, one);
	assert_int_equal(fb_walk_check(both, &(fb_walk_limits){NULL, "comp.ratio,eq"}, &error), FB_OK);
	assert_int_equal(
		fb_walk_check(both, &(fb_walk_limits){NULL, "comp.attack"}, &error), FB_INVALID);
	assert_string_equal(error.text, "\"comp.attack\" fits no parameter of the stations");
	json_decref(both);
}

static void test_what_is_learned(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_error error;
	char text[48];
	json_t *json = tree();
	assert_int_equal(fb_walk(json, &(fb_walk_limits){NULL, NULL}, &knobs, &error), FB_OK);
	const fb_knob *freq = &knobs.knob[0], *type = &knobs.knob[1], *on = &knobs.knob[2],
				  *ratio = &knobs.knob[3], *order = &knobs.knob[4];
	assert_int_equal(freq->kind, FB_KNOB_FLOAT);
	assert_int_equal(freq->scale, FB_SCALE_LOG);
	assert_string_equal(freq->unit, "Hz");
	assert_string_equal(freq->section, "b1");
	assert_string_equal(freq->node, "eq");
	assert_string_equal(freq->address, "/station/1/eq/b1_freq");
	assert_string_equal(fb_knob_text(freq, 1500, text), "1500 Hz");
	assert_int_equal(type->kind, FB_KNOB_CHOICE);
	assert_near(type->start, 2, 0);
	assert_string_equal(fb_knob_text(type, 1, text), "shelf");
	assert_int_equal(on->kind, FB_KNOB_BOOL);
	assert_near(on->start, 1, 0);
	assert_string_equal(ratio->section, "");
	assert_string_equal(fb_knob_text(ratio, 2.5, text), "2.5:1");
	assert_int_equal(order->kind, FB_KNOB_INT);
	assert_string_equal(fb_walk_metric_label(json, "rms"), "RMS level");
	assert_string_equal(fb_walk_metric_unit(json, "rms"), "dBFS");
	assert_string_equal(fb_walk_metric_unit(json, "none"), "");
	fb_knobs_finish(&knobs);
	json_decref(json);
}

/** Steps that are heard, and values in few digits, from end to end. */
static void test_steps_and_rounding(void **state)
{
	(void)state;
	char unit[8] = "dB";
	fb_knob gain = {.kind = FB_KNOB_FLOAT, .unit = unit, .min = -24, .max = 24, .start = 0.123456};
	assert_near(fb_knob_step(&gain) * 48, 3.0, 1e-12);
	assert_near(fb_knob_round(&gain, -6.5123), -6.5, 0);
	assert_near(fb_knob_round(&gain, 0.123456), 0.123456, 0); /* what was is left alone */
	assert_near(fb_knob_round(&gain, 99), 24, 0);
	assert_false(signbit(fb_knob_round(&gain, -0.01)));
	strcpy(unit, "Hz");
	fb_knob freq = {.kind = FB_KNOB_FLOAT,
		.unit = unit,
		.scale = FB_SCALE_LOG,
		.min = 20,
		.max = 20000,
		.start = 80};
	assert_near(fb_knob_from_travel(&freq, fb_knob_to_travel(&freq, 1000) + fb_knob_step(&freq)),
		1000 * sqrt(2), 1e-9); /* half an octave */
	assert_near(fb_knob_round(&freq, 12345.6), 12300, 0);
	assert_near(fb_knob_round(&freq, 123.456), 123, 0);
	assert_near(fb_knob_round(&freq, 19.99), 20, 0);
	strcpy(unit, "");
	fb_knob steps = {.kind = FB_KNOB_INT, .unit = unit, .min = 0, .max = 4, .start = 2};
	assert_near(fb_knob_step(&steps) * 4, 1.0, 1e-12); /* no less than one */
	assert_near(fb_knob_round(&steps, 2.6), 3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_found),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_limits_together),
		cmocka_unit_test(test_many_patterns), cmocka_unit_test(test_limits_of_several),
		cmocka_unit_test(test_what_is_learned), cmocka_unit_test(test_steps_and_rounding)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
