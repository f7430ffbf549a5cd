/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout_tosc.h"

#include <string.h>

/** Text in CDATA, where only its own end has to be taken apart. */
static void cdata(fb_tosc *w, const char *text)
{
	fputs("<![CDATA[", w->to);
	for (const char *end; (end = strstr(text, "]]>")); text = end + 2) {
		fprintf(w->to, "%.*s]]]]><![CDATA[", (int)(end - text), text);
	}
	fprintf(w->to, "%s]]>", text);
}

void fb_tosc_property(fb_tosc *w, char type, const char *key, const char *value)
{
	fprintf(w->to, "<property type='%c'><key><![CDATA[%s]]></key><value>", type, key);
	if (type == 's') {
		cdata(w, value);
	} else {
		fputs(value, w->to);
	}
	fputs("</value></property>", w->to);
}

void fb_tosc_number(fb_tosc *w, char type, const char *key, double value)
{
	char text[32];
	snprintf(text, sizeof text, "%.6g", value);
	fb_tosc_property(w, type, key, text);
}

static void frame(fb_tosc *w, const fb_layout_box *at)
{
	char text[128];
	snprintf(text, sizeof text, "<x>%.0f</x><y>%.0f</y><w>%.0f</w><h>%.0f</h>", at->x, at->y, at->w,
		at->h);
	fb_tosc_property(w, 'r', "frame", text);
}

void fb_tosc_begin(
	fb_tosc *w, const char *type, const char *name, const fb_layout_box *at, const char *colour)
{
	uint32_t id = ++w->ids;
	fprintf(w->to, "<node ID='f01dbac0-0000-4000-8000-%012x' type='%s'><properties>", id, type);
	fb_tosc_property(w, 's', "name", name);
	frame(w, at);
	fb_tosc_property(w, 'c', "color", colour);
}

void fb_tosc_value(fb_tosc *w, const char *key, const char *first, bool fixed)
{
	fprintf(w->to,
		"<value><key><![CDATA[%s]]></key><locked>0</locked><lockedDefaultCurrent>%d"
		"</lockedDefaultCurrent><default>",
		key, fixed);
	cdata(w, first);
	fputs("</default><defaultPull>0</defaultPull></value>", w->to);
}

static void partial(
	fb_tosc *w, const char *type, const char *conversion, const char *text, double min, double max)
{
	fprintf(w->to, "<partial><type>%s</type><conversion>%s</conversion><value>", type, conversion);
	cdata(w, text);
	fprintf(
		w->to, "</value><scaleMin>%.9g</scaleMin><scaleMax>%.9g</scaleMax></partial>", min, max);
}

void fb_tosc_message(fb_tosc *w, const fb_tosc_osc *m)
{
	fprintf(w->to,
		"<osc><enabled>1</enabled><send>%d</send><receive>%d</receive><feedback>0</feedback>"
		"<noDuplicates>0</noDuplicates><connections>0000000001</connections><triggers>",
		m->trigger != NULL, !m->trigger || strcmp(m->trigger, "ANY") == 0);
	if (m->trigger) {
		fprintf(w->to, "<trigger><var><![CDATA[x]]></var><condition>%s</condition></trigger>",
			m->trigger);
	}
	fputs("</triggers><path>", w->to);
	partial(w, "CONSTANT", "STRING", m->address, 0, 1);
	fputs("</path><arguments>", w->to);
	if (m->type) {
		partial(w, m->type, m->conversion, m->value, m->min, m->max);
	}
	fputs("</arguments></osc>", w->to);
}
