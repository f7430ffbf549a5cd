/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What makes the engine run: JACK, or a timer of its own. The driver owns the audio thread; all
	functions here belong to control, and none of them waits for the outside but open and start. */
#ifndef FB_DRIVER_H
#define FB_DRIVER_H

#include "options.h"
#include "proposal/monitor.h"

typedef struct fb_driver fb_driver;

enum { FB_XRUNS_MAX = 64 }; ///< that may wait for control

/** What the driver knows of the outside. */
typedef struct fb_driver_state {
	bool running;                         ///< false while there is no JACK server
	bool waiting;                         ///< there is none, and the driver looks for it
	bool freewheel;                       ///< as fast as it goes: time means nothing
	uint32_t period;                      ///< frames
	double dsp_load;                      ///< percent
	double in_latency_ms, out_latency_ms; ///< the ports' latencies beyond foldback, of station 1
	bool rolling;                         ///< the transport
	double bpm;                           ///< its tempo, 0 = it has none
	uint32_t connections, missing;        ///< made, and remembered but their other end is not there
	bool restore;                         ///< are connections kept for the next start?
	char trouble[160];                    ///< why it does not come back; "" if it just waits
} fb_driver_state;

/** A period that came too late. */
typedef struct fb_xrun {
	int64_t time_us; ///< Unix time
	uint64_t frame;  ///< of the engine
	double late_ms;  ///< 0 where nobody measured it
} fb_xrun;

/** One short MIDI message; system exclusive ones are left out. */
typedef struct fb_midi_event {
	uint64_t
		frame;    ///< of the engine; of one to be sent: 0 or a frame gone by, with the next period
	uint8_t size; ///< 1..3
	uint8_t bytes[3];
} fb_midi_event;

/** Members marked optional are NULL where a driver has nothing to do. */
typedef struct fb_driver_ops {
	/** Wait until rate and period are known; from then on fb_driver says them. Without a JACK
		server that one is willing to wait for, they are what the options say.
		errors: FB_UNAVAILABLE if no JACK server runs, FB_EXISTS if the client name is taken */
	fb_status (*open)(fb_driver *driver, fb_error *error);
	/** Start to call fb_engine_process(), which fits the rate. The first time it returns when the
		ports are there and audio runs (or the driver waits), after fb_driver_returned() at once.
		errors: FB_TOO_MANY ports, FB_IO */
	fb_status (*start)(fb_driver *driver, fb_engine *engine, fb_error *error);
	/** Stop; afterwards the engine is not touched any more. */
	void (*stop)(fb_driver *driver);
	void (*close)(fb_driver *driver);
	void (*state)(fb_driver *driver, fb_driver_state *out);
	/** Is the JACK server back? Audio stands still then; rate and period are the new ones, and
		start() has to follow. optional */
	bool (*returned)(fb_driver *driver);
	/** The chain's latency of a station (frames, with the FIFO). optional */
	void (*set_latency)(fb_driver *driver, uint32_t station, uint32_t frames);
	/** A station's name, for who shows ports to people. optional */
	void (*set_name)(fb_driver *driver, uint32_t station, const char *name);
	/** Keep connections for the next start, or no more. optional */
	void (*set_restore)(fb_driver *driver, bool restore);
	/** Forget the connections whose other end is not there. optional */
	void (*forget)(fb_driver *driver);
	/** The next MIDI message that came in. false: none. optional */
	bool (*midi_read)(fb_driver *driver, fb_midi_event *out);
	/** Send a MIDI message, in the order of frames. false: no room. optional */
	bool (*midi_write)(fb_driver *driver, const fb_midi_event *event);
	/** Makes a thread of the kind that audio runs in. optional: any thread will do */
	fb_spawn *spawn;
} fb_driver_ops;

double fb_now_s(void); ///< monotonic seconds

struct fb_driver {
	const fb_driver_ops *ops;
	const char *kind; ///< "jack" or "dummy"
	double rate_hz;
	uint32_t period;
	fb_ring *xruns;      ///< of fb_xrun, FB_XRUNS_MAX of them; control reads
	fb_monitor *monitor; ///< what plays on the monitor outputs; set before start
	/** fb_now_s() when JACK last answered, 0 before. Written by the driver. thread: any */
	_Atomic double answered_s;
};

/** Begins to look for the JACK server, beside the caller. `options` must outlive the driver.
	errors: FB_NO_MEMORY; FB_INVALID, FB_IO if the connections to restore cannot be read */
FB_MUST_CHECK fb_status fb_driver_jack(const fb_options *options, fb_driver **out, fb_error *error);
FB_MUST_CHECK fb_status fb_driver_dummy(
	const fb_options *options, fb_driver **out, fb_error *error);

static inline bool fb_driver_returned(fb_driver *driver)
{
	return driver->ops->returned && driver->ops->returned(driver);
}

static inline void fb_driver_set_latency(fb_driver *driver, uint32_t station, uint32_t frames)
{
	if (driver->ops->set_latency) {
		driver->ops->set_latency(driver, station, frames);
	}
}

static inline void fb_driver_set_name(fb_driver *driver, uint32_t station, const char *name)
{
	if (driver->ops->set_name) {
		driver->ops->set_name(driver, station, name);
	}
}

static inline bool fb_driver_midi_read(fb_driver *driver, fb_midi_event *out)
{
	return driver->ops->midi_read && driver->ops->midi_read(driver, out);
}

static inline bool fb_driver_midi_write(fb_driver *driver, const fb_midi_event *event)
{
	return driver->ops->midi_write && driver->ops->midi_write(driver, event);
}

#endif
