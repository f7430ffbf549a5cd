/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes that several routes share, as JSON Schema with ' for ". */
#include "route.h"

#define REF(name) "{'$ref': '#/components/schemas/" name "'}"
#define TEXT "{'type': 'string'}"
#define TEXT_OR_NULL "{'type': ['string', 'null']}"
#define NUMBER "{'type': 'number'}"
#define NUMBER_OR_NULL "{'type': ['number', 'null']}"
#define WHOLE "{'type': 'integer'}"
#define YES_NO "{'type': 'boolean'}"
#define NUMBERS "{'type': 'object', 'additionalProperties': {'type': 'number'}}"
#define TEXTS "{'type': 'array', 'items': {'type': 'string'}}"

#define RUN_ASKED                                                                                  \
	"'station': " WHOLE                                                                            \
	", 'source': " REF("Source") ", 'notes': " TEXT ", 'session': " TEXT                           \
								 ", 'subjective': {'type': 'number', 'minimum': 0, 'maximum': 5}"

static const struct {
	const char *name, *text;
} schemas[] = {
	{"Error",
		"{'type': 'object', 'required': ['error'], 'additionalProperties': false, 'properties':"
		" {'error': {'type': 'object', 'required': ['code', 'message'], 'properties':"
		" {'code': " WHOLE ", 'message': " TEXT ", 'address': " TEXT "}}}}"},
	{"Stored", "{'type': 'object', 'required': ['stored'], 'properties': {'stored': " YES_NO "}}"},
	{"Params",
		"{'type': 'object', 'description': 'node.param and its value', 'additionalProperties':"
		" {'type': ['number', 'boolean', 'string']}}"},
	{"Patch", "{'type': 'object', 'description': 'a patch file', 'properties': {'name': " TEXT
			  ", 'stages': {'type': 'array', 'items': {'type': 'object', 'required': ['type'],"
			  " 'properties': {'id': " TEXT ", 'type': " TEXT ", 'bypass': " YES_NO
			  ", 'parameters': {'type': 'object'}}}}, 'connections': {'type': 'array', 'items':"
			  " {'type': 'object', 'required': ['from', 'to'], 'properties': {'from': " TEXT
			  ", 'to': " TEXT ", 'weight': " NUMBER "}}}, 'goal': {'type': 'object'}}}"},
	{"Edits",
		"{'type': 'object', 'required': ['edits'], 'additionalProperties': false, 'properties':"
		" {'edits': {'type': 'array', 'minItems': 1, 'maxItems': 256, 'items': {'type': 'object',"
		" 'required': ['op'], 'additionalProperties': false, 'properties': {'op': {'enum': ['add',"
		" 'remove', 'move', 'replace', 'connect', 'disconnect', 'weight', 'set']}, 'type': " TEXT
		", 'id': " TEXT ", 'before': " TEXT ", 'from': " TEXT ", 'to': " TEXT ", 'weight': " NUMBER
		", 'parameters': " REF("Params") "}}}}}"},
	{"Scenes",
		"{'type': 'object', 'required': ['scenes', 'current', 'morph_s', 'safe'], 'properties':"
		" {'scenes': {'type': 'array', 'items': {'type': 'object', 'required': ['name', 'time_us',"
		" 'stations'], 'properties': {'name': " TEXT ", 'time_us': " WHOLE
		", 'stations': {'type': 'array', 'items': " WHOLE "}}}}, 'current': " TEXT
		", 'morph_s': " NUMBER ", 'safe': " TEXTS "}}"},
	{"Scene",
		"{'type': 'object', 'required': ['stations'], 'properties': {'name': " TEXT
		", 'time_us': " WHOLE ", 'stations': {'type': 'object', 'additionalProperties': {'type':"
		" 'object', 'required': ['patch', 'leaves'], 'properties': {'patch': " REF(
			"Patch") ","
					 " 'leaves': {'type': 'object'}}}}}}"},
	{"Metrics",
		"{'type': 'object', 'required': ['frame_start', 'frame_end', 'sample_rate', 'metrics',"
		" 'invalid'], 'properties': {'frame_start': " WHOLE ", 'frame_end': " WHOLE
		", 'sample_rate': " NUMBER ", 'metrics': " NUMBERS ", 'invalid': " TEXTS "}}"},
	{"Source",
		"{'type': 'object', 'oneOf': [{'required': ['live']}, {'required': ['sample']},"
		" {'required': ['run']}, {'required': ['stored']}], 'additionalProperties': false,"
		" 'properties': {'live': {'type': 'number', 'minimum': 0.1, 'maximum': 60}, 'sample': " TEXT
		", 'reference': " TEXT ", 'run': " TEXT ", 'stored': " TEXT "}}"},
	{"RunRequest", "{'type': 'object', 'required': ['station', 'source'], 'additionalProperties':"
				   " false, 'properties': {" RUN_ASKED
				   ", 'parameters': " REF("Params") ", 'include_audio': " YES_NO "}}"},
	{"AuditionRequest",
		"{'type': 'object', 'required': ['station', 'source', 'candidates'],"
		" 'additionalProperties': false, 'properties': {" RUN_ASKED
		", 'candidates': {'type': 'array', 'minItems': 1, 'maxItems': 256, 'items': " REF(
			"Params") "}}}"},
	{"Run", "{'type': 'object', 'required': ['run_id', 'station_id', 'parameters', 'metrics',"
			" 'invalid', 'score', 'frame_start', 'frame_end', 'sample_rate'], 'properties':"
			" {'run_id': " TEXT ", 'station_id': " WHOLE
			", 'parameters': " REF("Params") ", 'params_before': " REF(
				"Params") ", 'params_after': " REF("Params") ", 'metrics': " NUMBERS
															 ", 'invalid': " TEXTS
															 ", 'score': " NUMBER_OR_NULL
															 ", 'frame_start': " WHOLE
															 ", 'frame_end': " WHOLE
															 ", 'sample_rate': " NUMBER
															 ", 'audio_snapshot_base64': " TEXT
															 ", 'notes': " TEXT_OR_NULL
															 ", 'subjective': " NUMBER_OR_NULL
															 ", 'stored': " YES_NO "}}"},
	{"Audition",
		"{'type': 'object', 'required': ['station_id', 'source', 'results'], 'properties':"
		" {'station_id': " WHOLE ", 'source': " TEXT ", 'results': {'type': 'array', 'items':"
		" {'type': 'object', 'required': ['run_id', 'metrics', 'invalid', 'score'], 'properties':"
		" {'run_id': " TEXT ", 'parameters': " REF("Params") ", 'metrics': " NUMBERS
															 ", 'invalid': " TEXTS
															 ", 'score': " NUMBER_OR_NULL "}}}}}"},
	{"RunSummary",
		"{'type': 'object', 'required': ['run_id', 'station_id', 'time_us', 'score', 'frames',"
		" 'sample_rate', 'snapshot'], 'properties': {'run_id': " TEXT ", 'session': " TEXT_OR_NULL
		", 'station_id': " WHOLE ", 'time_us': " WHOLE ", 'score': " NUMBER_OR_NULL
		", 'frames': " WHOLE ", 'sample_rate': " NUMBER ", 'snapshot': " YES_NO "}}"},
	{"Rating",
		"{'type': 'object', 'required': ['subjective'], 'properties': {'subjective': {'type':"
		" 'number', 'minimum': 0, 'maximum': 5}, 'notes': " TEXT_OR_NULL ", 'run_id': " TEXT
		", 'score': " NUMBER_OR_NULL "}}"},
	{"AuditRow", "{'type': 'object', 'required': ['time_us', 'origin', 'address', 'outcome'],"
				 " 'properties': {'time_us': " WHOLE ", 'frame': " WHOLE ", 'origin': " TEXT
				 ", 'address': " TEXT ", 'outcome': " TEXT "}}"},
	{"Document", "{'type': 'object', 'required': ['id', 'time_us', 'document'], 'properties':"
				 " {'id': " TEXT ", 'time_us': " WHOLE ", 'document': {}}}"},
	{"Sample", "{'type': 'object', 'required': ['name', 'frames', 'sample_rate', 'channels'],"
			   " 'properties': {'name': " TEXT ", 'frames': " WHOLE ", 'sample_rate': " WHOLE
			   ", 'channels': " WHOLE "}}"},
	{"Ready", "{'type': 'object', 'required': ['ready', 'audio', 'recording', 'reason'],"
			  " 'properties': {'ready': " YES_NO ", 'audio': " YES_NO ", 'recording': " YES_NO
			  ", 'reason': " TEXT "}}"},
};

json_t *fb_schemas(void)
{
	json_t *all = json_object();
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		json_object_set_new(all, schemas[i].name, fb_schema(schemas[i].text));
	}
	return all;
}
