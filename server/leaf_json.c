/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

json_t *fb_leaf_to_json(fb_tree *tree, const fb_branch *leaf)
{
	fb_value value;
	fb_tree_get(tree, leaf, &value);
	switch (value.tag) {
	case 'f':
		return json_real(value.f);
	case 'i':
		return json_integer(value.i);
	case 's':
		return json_string(value.s);
	default:
		return json_boolean(value.tag == 'T');
	}
}

fb_value fb_leaf_value(const json_t *json)
{
	if (json_is_string(json)) {
		return (fb_value){.tag = 's', .s = json_string_value(json)};
	}
	if (json_is_boolean(json)) {
		return (fb_value){.tag = json_is_true(json) ? 'T' : 'F'};
	}
	return json_is_integer(json) ? (fb_value){.tag = 'i', .i = json_integer_value(json)}
								 : (fb_value){.tag = 'f', .f = json_number_value(json)};
}
