/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A layout as a session of Open Stage Control, and the module beside it that takes the
	subscription and renews it.
	source: the program's sources (1.2x): widgets' properties, what a custom module may call */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

enum {
	RATE_HZ = 20,
	RENEW_MS = 4000,
	COLUMNS = 8,
	SCREEN_W = 1280,
	SCREEN_H = 600,
	CELL_H = 110, /* of what stands above other things */
	SHORT_H = 56, /* of what needs no height: a button, a name */
};

/** Ids are unique: a widget with the id of another would follow it. */
static const char *id_of(const char *what, const json_t *control, char id[300])
{
	snprintf(id, 300, "%s %lld %s", what, json_integer_value(json_object_get(control, "number")),
		fb_layout_text(control, "address"));
	return id;
}

static json_t *widget(const char *type, const char *what, const json_t *control)
{
	char id[300];
	return json_pack("{s:s, s:s, s:s}", "type", type, "id", id_of(what, control, id), "address",
		fb_layout_text(control, "address"));
}

static void set(json_t *object, const char *key, json_t *take)
{
	json_object_set_new(object, key, take);
}

/** Text that is shown: @{ and #{ would be taken for expressions. */
static json_t *plain(const char *text)
{
	char out[512];
	size_t n = 0;
	for (; *text && n + 3 < sizeof out; text++) {
		out[n++] = *text;
		if ((*text == '@' || *text == '#') && text[1] == '{') {
			out[n++] = ' ';
		}
	}
	out[n] = '\0';
	return json_string(out);
}

static json_t *range_of(double min, double max)
{
	return json_pack("{s:f, s:f}", "min", min, "max", max);
}

/** What it is; and in which unit, where the figures below cannot say it. */
static json_t *caption(const json_t *control)
{
	char id[300], words[256];
	const char *unit = fb_layout_text(control, "unit"), *label = fb_layout_text(control, "label");
	bool figures = fb_layout_is(control, "meter") || fb_layout_is(control, "readout");
	bool shown = figures && *unit && strcmp(unit, label) != 0;
	snprintf(words, sizeof words, "%s%s%s", label, shown ? ", " : "", shown ? unit : "");
	json_t *text = json_pack("{s:s, s:s, s:s, s:b, s:o, s:i, s:b}", "type", "text", "id",
		id_of("caption", control, id), "address", "/caption", "bypass", 1, "default", plain(words),
		"height", 24, "expand", 0);
	return text;
}

/** The value in figures; typing into it sets it, where it can be set. */
static json_t *figure(const json_t *control, bool input)
{
	json_t *text = widget(input ? "input" : "text", "value", control);
	set(text, "decimals", json_integer(2));
	set(text, "height", json_integer(28));
	set(text, "expand", json_false());
	if (input) {
		set(text, "unit", plain(fb_layout_text(control, "unit")));
		set(text, "numeric", json_true());
		set(text, "typeTags", json_string("f"));
	} else {
		set(text, "bypass", json_true());
	}
	return text;
}

static json_t *slider(const json_t *control)
{
	bool knob = fb_layout_is(control, "knob");
	json_t *fader = widget(knob ? "knob" : "fader", "control", control);
	set(fader, "address", json_string(fb_layout_text(control, "twin")));
	set(fader, "range", range_of(0.0, 1.0)); /* the twin knows the taper */
	set(fader, "decimals", json_integer(6));
	set(fader, "typeTags", json_string("f"));
	set(fader, "expand", json_true());
	return fader;
}

static json_t *meter(const json_t *control)
{
	double min = fb_layout_number(control, "min"), max = fb_layout_number(control, "max");
	bool down = json_is_true(json_object_get(control, "down"));
	json_t *fader = widget("fader", "control", control);
	set(fader, "range", range_of(down ? max : min, down ? min : max));
	set(fader, "design", json_string("compact"));
	set(fader, "interaction", json_false());
	set(fader, "bypass", json_true());
	set(fader, "expand", json_true());
	if (down) {
		set(fader, "origin", json_real(min));
	}
	return fader;
}

static json_t *whole_number(const json_t *control)
{
	json_t *fader = widget("fader", "control", control);
	set(fader, "range",
		range_of(fb_layout_number(control, "min"), fb_layout_number(control, "max")));
	set(fader, "steps",
		json_real(fb_layout_number(control, "max") - fb_layout_number(control, "min") + 1.0));
	set(fader, "decimals", json_integer(0));
	set(fader, "typeTags", json_string("i"));
	set(fader, "expand", json_true());
	return fader;
}

/** A switch holds; a button sends its address when it is pressed, with its value if it has one. */
static json_t *button(const json_t *control)
{
	json_t *press = widget("button", "control", control), *value;
	const char *tone = fb_layout_text(control, "tone");
	bool toggle = fb_layout_is(control, "switch");
	value = toggle ? NULL : json_object_get(control, "value");
	set(press, "label", plain(fb_layout_text(control, "label")));
	set(press, "mode", json_string(toggle ? "toggle" : value ? "tap" : "momentary"));
	set(press, "on", value ? json_copy(value) : json_integer(1));
	set(press, "off", json_integer(0));
	set(press, "typeTags", json_string(json_is_string(value) ? "s" : "i"));
	set(press, "wrap", json_string("soft"));
	if (*tone) {
		set(press, "colorWidget",
			json_string(strcmp(tone, "danger") == 0    ? "#e04040"
						: strcmp(tone, "caution") == 0 ? "#e0a030"
													   : "#50c060"));
	}
	set(press, "expand", json_true());
	return press;
}

static json_t *menu(const json_t *control)
{
	json_t *list = widget("switch", "control", control);
	set(list, "values", json_deep_copy(json_object_get(control, "choices")));
	set(list, "typeTags", json_string("s"));
	set(list, "wrap", json_string("soft"));
	set(list, "expand", json_true());
	return list;
}

/** One control with its caption and its figures, from top to bottom. */
static json_t *cell(const json_t *control)
{
	char id[300];
	json_t *widgets = json_array();
	bool sits_alone = fb_layout_is(control, "switch") || fb_layout_is(control, "button");
	if (!sits_alone) {
		json_array_append_new(widgets, caption(control));
	}
	if (sits_alone) {
		json_array_append_new(widgets, button(control));
	} else if (fb_layout_is(control, "menu")) {
		json_array_append_new(widgets, menu(control));
	} else if (fb_layout_is(control, "meter")) {
		json_array_append_new(widgets, meter(control));
		json_array_append_new(widgets, figure(control, false));
	} else if (fb_layout_is(control, "number")) {
		json_array_append_new(widgets, whole_number(control));
	} else if (fb_layout_is(control, "readout")) {
		json_array_append_new(widgets, figure(control, false));
	} else {
		json_array_append_new(widgets, slider(control));
		json_array_append_new(widgets, figure(control, true));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "type", "panel", "id",
		id_of("cell", control, id), "layout", "vertical", "address", "/cell", "bypass", 1,
		"widgets", widgets);
}

static json_t *cells(const json_t *controls)
{
	size_t i;
	json_t *control, *list = json_array();
	json_array_foreach(controls, i, control)
	{
		json_array_append_new(list, cell(control));
	}
	return list;
}

static json_t *grid(const char *type, const char *id, const char *label, json_t *take, int columns)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:i, s:s, s:b, s:o}", "type", type, "id", id, "label",
		plain(label), "layout", "grid", "gridTemplate", columns, "address", "/page", "bypass", 1,
		"widgets", take);
}

static json_t *box_of(const char *id, const char *layout, json_t *take)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "type", "panel", "id", id, "layout",
		layout, "address", "/page", "bypass", 1, "expand", 1, "widgets", take);
}

static bool is_tall(const json_t *control)
{
	return fb_layout_is(control, "fader") || fb_layout_is(control, "meter");
}

/** A column: what is short on top, what is tall side by side below it. */
static json_t *strip_of(const json_t *self, const char *above)
{
	char id[300], inner[320];
	size_t i;
	json_t *control, *one, *widgets = json_array(), *tall = json_array();
	json_array_foreach(json_object_get(self, "controls"), i, control)
	{
		one = cell(control);
		set(one, "expand", json_boolean(is_tall(control)));
		if (is_tall(control)) {
			json_array_append_new(tall, one);
		} else {
			set(one, "height", json_integer(SHORT_H));
			json_array_append_new(widgets, one);
		}
	}
	snprintf(id, sizeof id, "strip %s/%s", above, fb_layout_text(self, "title"));
	snprintf(inner, sizeof inner, "levels of %s", id);
	json_array_append_new(widgets, box_of(inner, "horizontal", tall));
	return box_of(id, "vertical", widgets);
}

/** Rows of cells on top of a page. */
static void put_rows(json_t *widgets, const json_t *list, const char *id, int height)
{
	size_t n = json_array_size(list);
	if (n) {
		size_t rows = (n + COLUMNS - 1) / COLUMNS;
		json_t *panel = grid("panel", id, "", cells(list), (int)((n + rows - 1) / rows));
		set(panel, "height", json_integer(height * (json_int_t)rows));
		json_array_append_new(widgets, panel);
	}
}

static json_t *tab_of(const json_t *page, const char *above)
{
	char id[300], inner[320];
	const char *title = fb_layout_text(page, "title");
	const json_t *pages = json_object_get(page, "pages"), *strips = json_object_get(page, "strips");
	json_t *controls = json_object_get(page, "controls"), *each, *widgets;
	size_t i;
	snprintf(id, sizeof id, "page %s/%s", above, title);
	if (!json_array_size(pages) && !json_array_size(strips)) {
		const fb_layout_box screen = {0, 0, SCREEN_W, SCREEN_H};
		size_t columns = fb_layout_columns(&screen, page);
		return grid("tab", id, title, cells(controls), (int)columns);
	}
	widgets = json_array();
	snprintf(inner, sizeof inner, "top of %s", id);
	put_rows(widgets, controls, inner, CELL_H);
	snprintf(inner, sizeof inner, "buttons of %s", id);
	put_rows(widgets, json_object_get(page, "buttons"), inner, SHORT_H);
	if (json_array_size(strips)) {
		json_t *columns = json_array();
		json_array_foreach(strips, i, each)
		{
			json_array_append_new(columns, strip_of(each, id));
		}
		snprintf(inner, sizeof inner, "strips of %s", id);
		json_array_append_new(widgets, box_of(inner, "horizontal", columns));
	}
	if (json_array_size(pages)) {
		json_t *tabs = json_array();
		json_array_foreach(pages, i, each)
		{
			json_array_append_new(tabs, tab_of(each, id));
		}
		snprintf(inner, sizeof inner, "nodes of %s", id);
		json_array_append_new(
			widgets, json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "type", "panel", "id", inner,
						 "address", "/page", "bypass", 1, "expand", 1, "tabs", tabs));
	}
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:o}", "type", "tab", "id", id, "label",
		plain(title), "layout", "vertical", "address", "/page", "bypass", 1, "widgets", widgets);
}

json_t *fb_layout_stage_session(const fb_layout *layout)
{
	size_t i;
	json_t *page, *tabs = json_array();
	json_array_foreach(layout->pages, i, page)
	{
		json_array_append_new(tabs, tab_of(page, ""));
	}
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:o}}", "createdWith", "Open Stage Control",
		"version", "1.26.0", "type", "session", "content", "type", "root", "id", "root", "tabs",
		tabs);
}

char *fb_layout_stage_module(const fb_layout *layout, const fb_layout_wish *wish)
{
	char *text = NULL, *list = json_dumps(layout->patterns, JSON_INDENT(2));
	if (list &&
		asprintf(&text,
			"// Made by foldback: subscribes to what the session shows and keeps it alive.\n"
			"const patterns = %s;\n"
			"const targets = settings.read('send') || ['%s:%ld'];\n"
			"\n"
			"function toAll(address, ...args) {\n"
			"  for (const target of targets) {\n"
			"    const [host, port] = target.split(':');\n"
			"    send(host, Number(port), address, ...args);\n"
			"  }\n"
			"}\n"
			"\n"
			"function renew() {\n"
			"  for (const pattern of patterns) {\n"
			"    toAll('/subscribe', { type: 's', value: pattern }, { type: 'i', value: %d });\n"
			"  }\n"
			"}\n"
			"\n"
			"module.exports = {\n"
			"  // A page that opens wants every value, not only what changes.\n"
			"  init() {\n"
			"    app.on('sessionOpened', () => { toAll('/unsubscribe'); renew(); });\n"
			"    renew();\n"
			"    setInterval(renew, %d);\n"
			"  },\n"
			"  // This file was made anew while the program runs.\n"
			"  reload() { this.init(); },\n"
			"  unload() { toAll('/unsubscribe'); },\n"
			"  // Buttons know 1 and 0.\n"
			"  oscInFilter(data) {\n"
			"    data.args = data.args.map((arg) => arg.type === 'T' || arg.type === 'F'\n"
			"      ? { type: 'i', value: arg.type === 'T' ? 1 : 0 } : arg);\n"
			"    return data;\n"
			"  },\n"
			"};\n",
			list, wish->host, wish->osc_port, RATE_HZ, RENEW_MS) < 0) {
		text = NULL;
	}
	free(list);
	return text;
}
