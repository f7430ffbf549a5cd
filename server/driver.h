/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What makes the engine run: JACK, or a timer of its own. The driver owns the audio thread. */
#ifndef FB_DRIVER_H
#define FB_DRIVER_H

#include "options.h"
#include "proposal/monitor.h"

typedef struct fb_driver fb_driver;

/** What the driver knows of the outside. */
typedef struct fb_driver_state {
	bool running;                         ///< false once the JACK server has gone
	uint32_t period;                      ///< frames
	uint32_t xruns;                       ///< since start
	double dsp_load;                      ///< percent
	double in_latency_ms, out_latency_ms; ///< the ports' latencies beyond foldback, of station 1
} fb_driver_state;

/** One short MIDI message; system exclusive ones are left out. */
typedef struct fb_midi_event {
	uint64_t
		frame;    ///< of the engine; of one to be sent: 0 or a frame gone by, with the next period
	uint8_t size; ///< 1..3
	uint8_t bytes[3];
} fb_midi_event;

typedef struct fb_driver_ops {
	/** Make the ports and start to call fb_engine_process(). */
	fb_status (*start)(fb_driver *driver, fb_engine *engine, fb_error *error);
	/** Stop; afterwards the engine is not touched any more. */
	void (*stop)(fb_driver *driver);
	void (*state)(fb_driver *driver, fb_driver_state *out);
	/** The chain's latency of a station changed (frames, with the FIFO). thread: control */
	void (*set_latency)(fb_driver *driver, uint32_t station, uint32_t frames);
	/** The next MIDI message that came in. false: none. thread: control */
	bool (*midi_read)(fb_driver *driver, fb_midi_event *out);
	/** Send a MIDI message, in the order of frames. false: no room, or nowhere to. thread: control
	 */
	bool (*midi_write)(fb_driver *driver, const fb_midi_event *event);
	/** Makes a thread of the kind that audio runs in; NULL: any thread will do. */
	fb_spawn *spawn;
	void (*close)(fb_driver *driver);
} fb_driver_ops;

struct fb_driver {
	const fb_driver_ops *ops;
	const char *kind; ///< "jack" or "dummy"
	double rate_hz;
	uint32_t period;
	fb_monitor *monitor; ///< what plays on the monitor outputs; set before start
};

/** errors: FB_UNAVAILABLE if no JACK server runs, FB_EXISTS if the client name is taken */
FB_MUST_CHECK fb_status fb_driver_jack(const fb_options *options, fb_driver **out, fb_error *error);
FB_MUST_CHECK fb_status fb_driver_dummy(
	const fb_options *options, fb_driver **out, fb_error *error);

#endif
