/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Is a node type's metadata sound? Asked once when it is loaded, so that nobody asks again. */
#include "loader.h"

#include <string.h>

enum { COUNT_MAX = 1024, CHANNELS_MAX = 16, SYMBOL_MAX = 31 };

bool fb_is_symbol(const char *text)
{
	if (!text || text[0] < 'a' || text[0] > 'z') {
		return false;
	}
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return !text[len] && len <= SYMBOL_MAX;
}

int fb_node_param(const fb_node_desc *desc, const char *symbol)
{
	for (uint32_t i = 0; i < desc->n_params; i++) {
		if (!strcmp(desc->params[i].symbol, symbol)) {
			return (int)i;
		}
	}
	return -1;
}

int fb_node_meter(const fb_node_desc *desc, const char *symbol)
{
	for (uint32_t i = 0; i < desc->n_meters; i++) {
		if (!strcmp(desc->meters[i].symbol, symbol)) {
			return (int)i;
		}
	}
	return -1;
}

static int find_port(const fb_port_info *ports, uint32_t n, const char *symbol)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(ports[i].symbol, symbol)) {
			return (int)i;
		}
	}
	return -1;
}

int fb_node_input(const fb_node_desc *desc, const char *symbol)
{
	return find_port(desc->inputs, desc->n_inputs, symbol);
}

int fb_node_output(const fb_node_desc *desc, const char *symbol)
{
	return find_port(desc->outputs, desc->n_outputs, symbol);
}

uint32_t fb_port_channels(const fb_port_info *ports, uint32_t n)
{
	uint32_t sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		sum += ports[i].channels;
	}
	return sum;
}

#define REQUIRE(condition, ...)                                                                    \
	do {                                                                                           \
		if (!(condition)) {                                                                        \
			return fb_fail(error, FB_INVALID, file, __VA_ARGS__);                                  \
		}                                                                                          \
	} while (0)

static fb_status check_param(
	const fb_node_desc *desc, uint32_t i, const char *file, fb_error *error)
{
	const fb_param_info *p = &desc->params[i];
	REQUIRE(fb_is_symbol(p->symbol), "%s: parameter %u: bad symbol", desc->id, i);
	REQUIRE(strcmp(p->symbol, "meter") && strcmp(p->symbol, "bypass") && strcmp(p->symbol, "cpu"),
		"%s.%s: that name is foldback's own", desc->id, p->symbol);
	REQUIRE(fb_node_param(desc, p->symbol) == (int)i, "%s.%s: twice", desc->id, p->symbol);
	REQUIRE(
		p->label && p->unit && p->doc, "%s.%s: label, unit or doc is missing", desc->id, p->symbol);
	REQUIRE((unsigned)p->kind <= FB_CHOICE && (unsigned)p->scale <= FB_SCALE_LOG,
		"%s.%s: unknown kind or scale", desc->id, p->symbol);
	REQUIRE(isfinite(p->min) && isfinite(p->max) && p->min < p->max && p->def >= p->min &&
				p->def <= p->max,
		"%s.%s: needs min < max and a default between them", desc->id, p->symbol);
	REQUIRE(p->scale != FB_SCALE_LOG || p->min > 0.0f, "%s.%s: a log scale needs min > 0", desc->id,
		p->symbol);
	REQUIRE(p->smooth_ms >= 0.0f && p->smooth_ms <= 10000.0f, "%s.%s: bad smooth_ms", desc->id,
		p->symbol);
	REQUIRE(p->kind == FB_FLOAT ||
				(p->min == floorf(p->min) && p->max == floorf(p->max) && p->def == floorf(p->def)),
		"%s.%s: needs whole limits and default", desc->id, p->symbol);
	REQUIRE(p->kind != FB_BOOL || (p->min == 0.0f && p->max == 1.0f), "%s.%s: a bool runs 0..1",
		desc->id, p->symbol);
	if (p->kind == FB_CHOICE) {
		REQUIRE(p->choices && p->min == 0.0f && p->max < (float)COUNT_MAX,
			"%s.%s: a choice needs names and runs from 0", desc->id, p->symbol);
		for (int c = 0; c <= (int)p->max; c++) {
			REQUIRE(p->choices[c], "%s.%s: choice %d has no name", desc->id, p->symbol, c);
		}
	}
	return FB_OK;
}

static fb_status check_ports(const fb_node_desc *desc, const fb_port_info *ports, uint32_t n,
	const char *file, fb_error *error)
{
	REQUIRE(!n || ports, "%s: ports are counted but missing", desc->id);
	for (uint32_t i = 0; i < n; i++) {
		REQUIRE(fb_is_symbol(ports[i].symbol) && ports[i].label && ports[i].doc,
			"%s: port %u: bad symbol, label or doc", desc->id, i);
		REQUIRE(ports[i].channels == 1 || ports[i].channels == 2, "%s:%s: needs 1 or 2 channels",
			desc->id, ports[i].symbol);
		REQUIRE(find_port(ports, n, ports[i].symbol) == (int)i, "%s:%s: twice", desc->id,
			ports[i].symbol);
	}
	REQUIRE(fb_port_channels(ports, n) <= CHANNELS_MAX, "%s: more than %d channels", desc->id,
		CHANNELS_MAX);
	return FB_OK;
}

fb_status fb_node_check(const fb_node_desc *desc, const char *file, fb_error *error)
{
	REQUIRE(desc->abi == FB_NODE_ABI, "built for node ABI %u, this foldback has %u", desc->abi,
		FB_NODE_ABI);
	REQUIRE(desc->size == sizeof *desc, "its fb_node_desc has %u bytes, this foldback's %zu",
		desc->size, sizeof *desc);
	REQUIRE(fb_is_symbol(desc->id), "a node type has a bad id");
	REQUIRE(desc->label && desc->doc && desc->category, "%s: label, doc or category is missing",
		desc->id);
	REQUIRE(desc->instance_size && desc->prepare && desc->process && desc->reset,
		"%s: instance_size, prepare, process or reset is missing", desc->id);
	REQUIRE(desc->n_outputs >= 1, "%s: has no output", desc->id);
	REQUIRE(desc->n_inputs <= 8 && desc->n_outputs <= 8 && desc->n_params <= COUNT_MAX &&
				desc->n_meters <= COUNT_MAX,
		"%s: too many ports, parameters or meters", desc->id);
	REQUIRE(!desc->n_params || desc->params, "%s: parameters are counted but missing", desc->id);
	REQUIRE(!desc->n_meters || desc->meters, "%s: meters are counted but missing", desc->id);
	fb_status status = check_ports(desc, desc->inputs, desc->n_inputs, file, error);
	if (!status) {
		status = check_ports(desc, desc->outputs, desc->n_outputs, file, error);
	}
	for (uint32_t i = 0; i < desc->n_params && !status; i++) {
		status = check_param(desc, i, file, error);
	}
	for (uint32_t i = 0; i < desc->n_meters && !status; i++) {
		const fb_meter_info *m = &desc->meters[i];
		REQUIRE(fb_is_symbol(m->symbol) && m->label && m->unit && m->doc && isfinite(m->min) &&
					isfinite(m->max) && m->min < m->max,
			"%s: meter %u: bad symbol, label, unit, doc or range", desc->id, i);
		REQUIRE(
			fb_node_meter(desc, m->symbol) == (int)i, "%s: meter %s: twice", desc->id, m->symbol);
	}
	return status;
}
