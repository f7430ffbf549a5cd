/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A layout as TouchOSC's file: XML of nodes, packed by zlib.

	The root's script takes the subscription and renews it, for TouchOSC itself sends nothing when
	it connects. What arrives in another form than a control keeps it in (true, the name of a
	choice, a figure with its unit) is read by a script of that control.
	source: files saved by the editor (lexml version 6), its manual for the scripts */
#include "layout_tosc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	TAB = 40,
	CAPTION = 20,
	GAP = 3,
	TEXT_MIN = 8,
	TEXT_MAX = 13,
	CELL_W = 120, /* the least of a cell above other things */
	CELL_H = 88,
	SHORT_H = 48, /* of what needs no height: a button, a name */
	STRIP_W = 60,
	FIELD_MIN = 28, /* of a choice with its name on it */
	FIELD_W = 70,   /* of a choice beside others; else they stand below each other */
	RATE_HZ = 20,
	RENEW_MS = 4000,
};

typedef fb_layout_box box;

static const char *const blue = "<r>0.25</r><g>0.6</g><b>0.9</b><a>1</a>";
static const char *const green = "<r>0.3</r><g>0.75</g><b>0.4</b><a>1</a>";
static const char *const amber = "<r>0.95</r><g>0.65</g><b>0.2</b><a>1</a>";
static const char *const red = "<r>0.9</r><g>0.25</g><b>0.25</b><a>1</a>";
static const char *const slate = "<r>0.35</r><g>0.4</g><b>0.5</b><a>1</a>";
static const char *const grey = "<r>0.2</r><g>0.2</g><b>0.22</b><a>1</a>";
static const char *const clear = "<r>0</r><g>0</g><b>0</b><a>0</a>";

/* --- scripts; TouchOSC's are Lua */

/** A text as Lua writes it. */
static void lua_text(FILE *to, const char *text)
{
	fputc('\'', to);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\') {
			fputc('\\', to);
		}
		fputc(*text == '\n' ? ' ' : *text, to);
	}
	fputc('\'', to);
}

/** Write a script by `fill` as the property of the open node. */
static void script(fb_tosc *w, void (*fill)(FILE *to, const json_t *of), const json_t *of)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	if (to) {
		fill(to, of);
		if (fclose(to) == 0) {
			fb_tosc_property(w, 's', "script", text);
		}
		free(text);
	}
}

/** A finger on a fader wins over feedback. */
static void touched_script(FILE *to, const json_t *control)
{
	(void)control;
	fputs("function onReceiveOSC(m, c) return self.values.touch end", to);
}

static void switch_script(FILE *to, const json_t *control)
{
	(void)control;
	fputs("function onReceiveOSC(m, c)\nlocal a = m[2][1]\nif a then self.values.x = "
		  "(a.tag == 'T' or a.value == true or a.value == 1) and 1 or 0 end\nreturn true\nend",
		to);
}

static void menu_script(FILE *to, const json_t *control)
{
	size_t i;
	json_t *choice;
	fputs("local at = {", to);
	json_array_foreach(json_object_get(control, "choices"), i, choice)
	{
		fputs(i ? ", [" : "[", to);
		lua_text(to, json_string_value(choice));
		fprintf(to, "] = %zu", i);
	}
	fputs("}\nfunction onReceiveOSC(m, c)\nlocal a = m[2][1]\nif a and at[a.value] then "
		  "self.values.x = at[a.value] end\nreturn true\nend",
		to);
}

/** A figure with its unit; more places where the range is small. */
static void figure_script(FILE *to, const json_t *control)
{
	double span = fb_layout_number(control, "max") - fb_layout_number(control, "min");
	int places = span > 0.0 && span <= 2.0 ? 3 : 1;
	fputs("function onReceiveOSC(m, c)\nlocal a = m[2][1]\nif a then local v = a.value\n"
		  "if a.tag == 'f' then v = string.format(",
		to);
	fprintf(to, "'%%.%df', v) end\nself.values.text = tostring(v) .. ", places);
	if (*fb_layout_text(control, "unit")) {
		char unit[64];
		snprintf(unit, sizeof unit, " %s", fb_layout_text(control, "unit"));
		lua_text(to, unit);
	} else {
		lua_text(to, "");
	}
	fputs(" end\nreturn true\nend", to);
}

static void root_script(FILE *to, const json_t *patterns)
{
	size_t i;
	json_t *pattern;
	fputs("local patterns = {", to);
	json_array_foreach(patterns, i, pattern)
	{
		fputs(i ? ",\n" : "\n", to);
		lua_text(to, json_string_value(pattern));
	}
	/* unsubscribing first makes the server tell all values anew */
	fprintf(to,
		"}\nlocal last = nil\n"
		"function init() sendOSC({ '/unsubscribe', {} }) end\n"
		"function update()\n"
		"local now = getMillis()\n"
		"if last ~= nil and now - last < %d then return end\n"
		"last = now\n"
		"for i = 1, #patterns do sendOSC({ '/subscribe', { { tag = 's', value = patterns[i] }, "
		"{ tag = 'i', value = %d } } }) end\n"
		"end",
		RENEW_MS, RATE_HZ);
}

/* --- nodes */

/** How large a text can be written in a width: a character is some 0.58 of its height wide. */
static double text_size(const char *text, double width)
{
	size_t n = strlen(text);
	return n ? floor(fmin(TEXT_MAX, fmax(TEXT_MIN, width / (0.58 * (double)n)))) : TEXT_MAX;
}

static void label(fb_tosc *w, const char *text, const box *at)
{
	fb_tosc_begin(w, "LABEL", text, at, clear);
	fb_tosc_number(w, 'i', "textSize", text_size(text, at->w));
	fb_tosc_property(w, 'b', "background", "0");
	fb_tosc_property(w, 'b', "outline", "0");
	fb_tosc_property(w, 'b', "interactive", "0");
	fb_tosc_number(w, 'i', "textAlignH", 2);
	fputs("</properties><values>", w->to);
	fb_tosc_value(w, "text", text, true);
	fputs("</values></node>", w->to);
}

/** The value in figures, with its unit. */
static void figure(fb_tosc *w, const json_t *control, const box *at)
{
	bool text = fb_layout_is(control, "readout");
	fb_tosc_begin(w, "LABEL", "value", at, clear);
	fb_tosc_number(
		w, 'i', "textSize", text_size(text ? "as long as a name" : "-100.0 LUFS", at->w));
	fb_tosc_property(w, 'b', "background", "0");
	fb_tosc_property(w, 'b', "outline", "0");
	fb_tosc_property(w, 'b', "interactive", "0");
	fb_tosc_number(w, 'i', "textAlignH", 2);
	script(w, figure_script, control);
	fputs("</properties><values>", w->to);
	fb_tosc_value(w, "text", "", false);
	fputs("</values><messages>", w->to);
	fb_tosc_message(w,
		&(fb_tosc_osc){fb_layout_text(control, "address"), NULL, "VALUE", "STRING", "text", 0, 1});
	fputs("</messages></node>", w->to);
}

static void values_x(fb_tosc *w)
{
	fputs("</properties><values>", w->to);
	fb_tosc_value(w, "x", "0", false);
	fb_tosc_value(w, "touch", "false", false);
	fputs("</values><messages>", w->to);
}

/** A fader or a knob: 0..1 to the twin, which knows the taper. */
static void continuous(fb_tosc *w, const json_t *control, const box *at)
{
	bool fader = fb_layout_is(control, "fader");
	fb_tosc_begin(w, fader ? "FADER" : "RADIAL", fb_layout_text(control, "address"), at, blue);
	fb_tosc_number(w, 'i', "response", 0);
	if (fader) {
		fb_tosc_number(w, 'i', "orientation", at->h >= at->w ? 0 : 1);
	}
	script(w, touched_script, control);
	values_x(w);
	fb_tosc_message(
		w, &(fb_tosc_osc){fb_layout_text(control, "twin"), "ANY", "VALUE", "FLOAT", "x", 0, 1});
	fputs("</messages></node>", w->to);
}

/** A fader over a range, in the parameter's own units: whole numbers, and meters. */
static void ranged(fb_tosc *w, const json_t *control, const box *at, bool meter)
{
	bool down = json_is_true(json_object_get(control, "down"));
	fb_tosc_begin(
		w, "FADER", fb_layout_text(control, "address"), at, !meter ? blue : (down ? amber : green));
	fb_tosc_number(w, 'i', "orientation", at->h < at->w ? 1 : (down ? 2 : 0));
	if (meter) {
		fb_tosc_property(w, 'b', "interactive", "0");
		fb_tosc_property(w, 'b', "cursor", "0");
	} else {
		script(w, touched_script, control);
	}
	values_x(w);
	fb_tosc_message(w, &(fb_tosc_osc){fb_layout_text(control, "address"), meter ? NULL : "ANY",
						   "VALUE", meter ? "FLOAT" : "INTEGER", "x",
						   fb_layout_number(control, "min"), fb_layout_number(control, "max")});
	fputs("</messages></node>", w->to);
}

/** A field for each choice, with its name on it. */
static void menu(fb_tosc *w, const json_t *control, const box *at)
{
	size_t i, n = json_array_size(json_object_get(control, "choices"));
	json_t *choice;
	bool upright = at->h / (double)n >= TEXT_MAX && at->w / (double)n < FIELD_W;
	bool named = upright || at->w / (double)n >= FIELD_MIN;
	box all = {at->x, at->y, at->w, named ? at->h : at->h - CAPTION};
	fb_tosc_begin(w, "RADIO", fb_layout_text(control, "address"), &all, blue);
	fb_tosc_number(w, 'i', "steps", (double)n);
	fb_tosc_number(w, 'i', "orientation", upright ? 2 : 1);
	script(w, menu_script, control);
	values_x(w);
	fb_tosc_message(w,
		&(fb_tosc_osc){fb_layout_text(control, "address"), "ANY", "VALUE", "INTEGER", "x", 0, 1});
	fputs("</messages></node>", w->to);
	if (!named) {
		box foot = {at->x, at->y + at->h - CAPTION, at->w, CAPTION};
		figure(w, control, &foot);
		return;
	}
	json_array_foreach(json_object_get(control, "choices"), i, choice)
	{
		double part = (double)i / (double)n;
		box field = {at->x + (upright ? 0.0 : at->w * part), at->y + (upright ? at->h * part : 0.0),
			upright ? at->w : at->w / (double)n, upright ? at->h / (double)n : at->h};
		label(w, json_string_value(choice), &field);
	}
}

static const char *tone(const json_t *control, const char *otherwise)
{
	const char *name = fb_layout_text(control, "tone");
	return strcmp(name, "danger") == 0    ? red
		   : strcmp(name, "caution") == 0 ? amber
		   : strcmp(name, "good") == 0    ? green
										  : otherwise;
}

static void button(fb_tosc *w, const json_t *control, const box *at)
{
	bool toggle = fb_layout_is(control, "switch");
	const json_t *constant = json_object_get(control, "value");
	const char *text = json_string_value(constant);
	fb_tosc_begin(
		w, "BUTTON", fb_layout_text(control, "address"), at, tone(control, toggle ? green : slate));
	fb_tosc_number(w, 'i', "buttonType", toggle ? 2 : 0);
	if (toggle) {
		script(w, switch_script, control);
	}
	values_x(w);
	fb_tosc_osc press = {.address = fb_layout_text(control, "address"),
		.trigger = toggle ? "ANY" : "RISE",
		.type = toggle ? "VALUE" : (constant ? "CONSTANT" : NULL),
		.conversion = text ? "STRING" : "INTEGER",
		.value = toggle ? "x" : (text ? text : "1"),
		.max = 1};
	fb_tosc_message(w, &press);
	fputs("</messages></node>", w->to);
}

static void control_in(fb_tosc *w, const json_t *control, const box *cell)
{
	double gap = fmin(GAP, cell->h / 8.0);
	box at = {cell->x + gap, cell->y + gap, cell->w - 2.0 * gap, cell->h - 2.0 * gap};
	double line = fmin(CAPTION, at.h / 3.0);
	box top = {at.x, at.y, at.w, line}, foot = {at.x, at.y + at.h - line, at.w, line};
	box middle = {at.x, at.y + line, at.w, at.h - 2 * line};
	const char *text = fb_layout_text(control, "label");
	if (fb_layout_is(control, "switch") || fb_layout_is(control, "button")) {
		button(w, control, &at);
		label(w, text, &at); /* on top of the button, and not in its way */
		return;
	}
	label(w, text, &top);
	if (fb_layout_is(control, "readout")) {
		middle.h += line;
		figure(w, control, &middle);
		return;
	}
	if (fb_layout_is(control, "menu")) {
		middle.h += line;
		menu(w, control, &middle);
		return;
	}
	if (fb_layout_is(control, "meter") || fb_layout_is(control, "number")) {
		ranged(w, control, &middle, fb_layout_is(control, "meter"));
	} else {
		continuous(w, control, &middle);
	}
	figure(w, control, &foot);
}

static void controls_in(fb_tosc *w, const json_t *page, const box *in)
{
	const json_t *list = json_object_get(page, "controls");
	size_t i, n = json_array_size(list), columns = fb_layout_columns(in, page);
	json_t *control;
	json_array_foreach(list, i, control)
	{
		box cell = fb_layout_cell(in, n, i, columns);
		control_in(w, control, &cell);
	}
}

/** In how many rows, and columns, cells stand that have a least width. */
static double rows_of(const json_t *list, double width, size_t *columns)
{
	size_t n = json_array_size(list), most = (size_t)fmax(1.0, width / CELL_W);
	size_t rows = (n + most - 1) / most;
	if (columns) {
		*columns = rows ? (n + rows - 1) / rows : 1;
	}
	return (double)rows;
}

/** Rows of cells of a height, off the top of what is left of a page. */
static void rows_in(fb_tosc *w, const json_t *list, box *rest, double height)
{
	size_t i, columns;
	double rows = rows_of(list, rest->w, &columns), width = rest->w / (double)columns;
	json_t *control;
	json_array_foreach(list, i, control)
	{
		box cell = {rest->x + width * (double)(i % columns),
			rest->y + height * (double)(i / columns), width, height};
		control_in(w, control, &cell);
	}
	rest->y += height * rows;
	rest->h -= height * rows;
}

static bool is_tall(const json_t *control)
{
	return fb_layout_is(control, "fader") || fb_layout_is(control, "meter");
}

/** A column: what is short on top, what is tall side by side below it, its figures at the foot. */
static void strip(fb_tosc *w, const json_t *self, const box *at)
{
	const json_t *controls = json_object_get(self, "controls");
	size_t i, tall = 0, faders = 0;
	json_t *control;
	double y = 0.0, x = GAP, line = fmin(CAPTION, at->h / 12.0), row = fmin(SHORT_H, at->h / 6.0);
	fb_tosc_begin(w, "GROUP", fb_layout_text(self, "title"), at, grey);
	fputs("</properties><children>", w->to);
	json_array_foreach(controls, i, control)
	{
		if (is_tall(control)) {
			tall++;
			faders += fb_layout_is(control, "fader");
		} else {
			control_in(w, control, &(box){0, y, at->w, row});
			y += row;
		}
	}
	double foot = at->h - line * (double)tall, unit = (at->w - 2 * GAP) / (double)(tall + faders);
	json_array_foreach(controls, i, control)
	{
		bool fader = fb_layout_is(control, "fader"); /* a finger needs twice the width */
		box bar = {x, y + GAP, unit * (fader ? 2.0 : 1.0) - 2.0, foot - y - GAP};
		if (is_tall(control)) {
			fader ? continuous(w, control, &bar) : ranged(w, control, &bar, true);
			x += bar.w + 2.0;
			tall--;
			figure(w, control, &(box){0, at->h - line * (double)(tall + 1), at->w, line});
		}
	}
	fputs("</children></node>", w->to);
}

static void strips_in(fb_tosc *w, const json_t *strips, const box *in)
{
	size_t i, n = json_array_size(strips), most = (size_t)fmax(1.0, in->w / STRIP_W);
	size_t rows = (n + most - 1) / most, columns = rows ? (n + rows - 1) / rows : 1;
	double width = in->w / (double)columns, height = rows ? in->h / (double)rows : 0.0;
	json_t *self;
	json_array_foreach(strips, i, self)
	{
		strip(w, self,
			&(box){in->x + width * (double)(i % columns), in->y + height * (double)(i / columns),
				width - 4.0, height - 4.0});
	}
}

static void pager(fb_tosc *w, const json_t *pages, const box *at);

/** A page: its controls above; buttons, strips and a pager of its own pages below. */
static void page(fb_tosc *w, const json_t *self, const box *at)
{
	const json_t *controls = json_object_get(self, "controls");
	const json_t *buttons = json_object_get(self, "buttons");
	const json_t *strips = json_object_get(self, "strips");
	const json_t *pages = json_object_get(self, "pages");
	box rest = {0, 0, at->w, at->h};
	fb_tosc_begin(w, "GROUP", fb_layout_text(self, "title"), at, grey);
	fb_tosc_property(w, 's', "tabLabel", fb_layout_text(self, "title"));
	fb_tosc_property(w, 'c', "tabColorOff", grey);
	fb_tosc_property(w, 'c', "tabColorOn", blue);
	fputs("</properties><children>", w->to);
	if (json_array_size(strips) + json_array_size(pages)) {
		double above =
			CELL_H * rows_of(controls, at->w, NULL) + SHORT_H * rows_of(buttons, at->w, NULL);
		double part = fmin(1.0, at->h / 2.0 / fmax(above, 1.0)); /* half is for what is below */
		rows_in(w, controls, &rest, CELL_H * part);
		rows_in(w, buttons, &rest, SHORT_H * part);
		strips_in(w, strips, &rest);
	} else {
		controls_in(w, self, &rest);
	}
	if (json_array_size(pages)) {
		pager(w, pages, &rest);
	}
	fputs("</children></node>", w->to);
}

static void pager(fb_tosc *w, const json_t *pages, const box *at)
{
	size_t i;
	json_t *each;
	box inner = {0, TAB, at->w, at->h - TAB};
	double size = TEXT_MAX;
	fb_tosc_begin(w, "PAGER", "pages", at, grey);
	fb_tosc_number(w, 'i', "tabbarSize", TAB);
	json_array_foreach(pages, i, each)
	{
		double fits =
			text_size(fb_layout_text(each, "title"), at->w / (double)json_array_size(pages));
		size = fmin(size, fits);
	}
	fb_tosc_number(w, 'i', "textSizeOn", size);
	fb_tosc_number(w, 'i', "textSizeOff", size);
	fb_tosc_property(w, 'b', "tabLabels", "1");
	fputs("</properties><values>", w->to);
	fb_tosc_value(w, "page", "0", false);
	fputs("</values><children>", w->to);
	json_array_foreach(pages, i, each)
	{
		page(w, each, &inner);
	}
	fputs("</children></node>", w->to);
}

/* --- the file */

static bool pack(const char *text, size_t length, void **data, size_t *size)
{
	uLongf room = compressBound(length);
	unsigned char *out = malloc(room);
	if (!out || compress2(out, &room, (const unsigned char *)text, length, 6) != Z_OK) {
		free(out);
		return false;
	}
	*data = out;
	*size = room;
	return true;
}

bool fb_layout_touchosc(
	const fb_layout *layout, const fb_layout_wish *wish, void **data, size_t *size)
{
	char *text = NULL;
	size_t length = 0;
	fb_tosc w = {.to = open_memstream(&text, &length)};
	box screen = {0, 0, wish->width, wish->height};
	if (!w.to) {
		return false;
	}
	fputs("<?xml version='1.0' encoding='UTF-8'?><lexml version='6'>", w.to);
	fb_tosc_begin(&w, "GROUP", "foldback", &screen, grey);
	script(&w, root_script, layout->patterns);
	fputs("</properties><includes></includes><children>", w.to);
	if (json_array_size(layout->pages) == 1) {
		page(&w, json_array_get(layout->pages, 0), &screen);
	} else {
		pager(&w, layout->pages, &screen);
	}
	fputs("</children></node></lexml>", w.to);
	bool whole = fclose(w.to) == 0 && pack(text, length, data, size);
	free(text);
	return whole;
}
