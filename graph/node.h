/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The node ABI: all that a loadable node sees of foldback, and all that foldback sees of a node.

	A node is one shared object that exports fb_node_entry(). Its metadata is static, so parameters,
	addresses, pages and presets exist before anything is instantiated. An instance is one flat
	block of memory that the host gives, zeroed and aligned; a node never allocates.

	Signals are float, 1.0 = 0 dBFS, in blocks of exactly FB_TICK frames ("ticks"), one array per
	channel. Input and output arrays are 64-byte aligned and never overlap. */
#ifndef FB_NODE_H
#define FB_NODE_H

#include "scale.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_NODE_ABI 1u /**< changes when a node built before would misbehave */
#define FB_TICK 32     /**< frames per process() call, always */
#define FB_ALIGN 64    /**< alignment in bytes of instances and signal arrays */

/** Marks functions that run in the audio thread: no allocation, lock, system call or unbounded
	loop. Checked by the compiler where it can (clang 20), by tests everywhere. */
#if defined(__clang__) && __clang_major__ >= 20 && !defined(__cplusplus)
#define FB_RT __attribute__((nonblocking))
#else
#define FB_RT
#endif

typedef enum fb_param_kind {
	FB_FLOAT,  ///< continuous
	FB_INT,    ///< whole numbers
	FB_BOOL,   ///< 0 or 1
	FB_CHOICE, ///< an index into `choices`
} fb_param_kind;

enum {
	/** A change takes effect in a new instance that the host prepares beside the old one and
		crossfades to. For what sets latency or memory. Never for what a hand rides. */
	FB_PARAM_REPREPARE = 1u << 0,
};

/** One parameter. Symbols are lower case [a-z][a-z0-9_]*, unique in the node, and become the last
	part of an OSC address. */
typedef struct fb_param_info {
	const char *symbol; ///< "threshold"
	const char *label;  ///< "Threshold"
	const char *unit;   ///< "dB" "Hz" "ms" "s" "%" ":1" "bpm" or ""
	const char *doc;    ///< a sentence or two for an engineer
	fb_param_kind kind;
	fb_scale scale;
	float min, max, def; ///< in the unit; FB_CHOICE: 0 .. number of choices - 1
	float smooth_ms;     ///< FB_FLOAT: the host glides to a new value in this time; 0 = at once
	const char *const *choices; ///< FB_CHOICE: the names, else NULL
	uint32_t flags;             ///< FB_PARAM_*
} fb_param_info;

enum {
	FB_METER_REDUCTION =
		1u << 0, ///< gain reduction in dB, >= 0: counts in the metric `gain_reduction`
};

/** One value the node reports, at /station/N/NODE/meter/SYMBOL. */
typedef struct fb_meter_info {
	const char *symbol, *label, *unit, *doc;
	float min, max;
	uint32_t flags; ///< FB_METER_*
} fb_meter_info;

/** One audio port. A node's first input and first output are its main path. */
typedef struct fb_port_info {
	const char *symbol, *label, *doc;
	uint32_t channels; ///< 1 or 2
} fb_port_info;

/** All that one process() call may touch besides the instance. */
typedef struct fb_tick {
	uint64_t frame; ///< of the first of the tick's frames, counted from the start of the engine
	const float *const
		*in;           ///< [sum of input channels][FB_TICK]; silence where nothing is connected
	float *const *out; ///< [sum of output channels][FB_TICK]; the node writes all of it
	const float *from, *to; ///< [n_params] value at the start and at the end of the tick, clamped
	float *meter;           ///< [n_meters] written by the node, keeps its value between ticks
	uint32_t connected;     ///< bit i: something is connected to input port i
	float tempo;            ///< transport tempo in bpm, 0 when there is none
} fb_tick;

typedef struct fb_node_desc {
	uint32_t abi, size;   ///< FB_NODE_ABI and sizeof(fb_node_desc) as the node was built
	const char *id;       ///< the type's name: [a-z][a-z0-9_]*
	const char *label;    ///< "Compressor"
	const char *doc;      ///< what it is for, when to reach for it; the source of its method
	const char *category; ///< "dynamics" "filter" "space" "modulation" "stereo" "restoration"
						  ///< "source" "utility"
	const fb_port_info *inputs, *outputs;
	const fb_param_info *params;
	const fb_meter_info *meters;
	uint32_t n_inputs, n_outputs, n_params, n_meters;

	/** Bytes one instance takes. `params` are the values it will be prepared with.
		thread: control */
	size_t (*instance_size)(double rate_hz, const float *params);
	/** Make the zeroed block an instance at rest, with these parameter values in force.
		range:  rate_hz 8000..192000; params clamped
		errors: false if it cannot work so; the host refuses the edit
		thread: control; may be slow */
	bool (*prepare)(void *self, double rate_hz, const float *params);
	/** One tick. Never fails. Deterministic: same instance state and tick, same bits.
		thread: audio */
	void (*process)(void *self, const fb_tick *tick) FB_RT;
	/** Forget all history (filters, delays, envelopes); afterwards as freshly prepared.
		thread: audio, or control before publishing */
	void (*reset)(void *self) FB_RT;
	/** Frames from main input to main output, fixed by prepare(). NULL means 0. thread: control */
	uint32_t (*latency)(const void *self);
	/** Release what prepare() took from libraries (not the block itself). NULL if nothing.
		thread: control */
	void (*finish)(void *self);
	/** For a node whose need of memory follows its parameters: touch what of the block it takes
		with these values, and those on the way to them, before process() sees them. Called
		after prepare() and before every change. NULL: the host touches the whole block. Memory that
		process() may be at work in stays alone. thread: control, beside process() */
	void (*provide)(void *self, const float *params);
} fb_node_desc;

#if defined(__GNUC__)
#define FB_NODE_EXPORT __attribute__((visibility("default")))
#else
#define FB_NODE_EXPORT
#endif

/** Exported by every node file: the types it holds, NULL past the last one. */
typedef const fb_node_desc *fb_node_entry_fn(uint32_t index);
FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index);

/** For a descriptor: what it was built with. */
#define FB_NODE_BUILT .abi = FB_NODE_ABI, .size = sizeof(fb_node_desc)
/** For a descriptor: an array called as the field that lists it (params), and its length. */
#define FB_NODE_HAS(array) .array = array, .n_##array = sizeof array / sizeof *array
/** For a descriptor in a file that calls its arrays and functions as the fields do: what every node
	has. Meters, latency(), finish() and provide() are for those that have them. */
#define FB_NODE_USUAL                                                                              \
	FB_NODE_BUILT, FB_NODE_HAS(inputs), FB_NODE_HAS(outputs), FB_NODE_HAS(params),                 \
		.instance_size = instance_size, .prepare = prepare, .process = process, .reset = reset
/** The entry of a file that holds one type. */
#define FB_NODE_ENTRY(desc)                                                                        \
	FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)                               \
	{                                                                                              \
		return index == 0 ? &(desc) : NULL;                                                        \
	}

#endif
