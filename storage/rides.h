/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Audit entries on their way to becoming rows. An entry that cannot be merged becomes a row at
	once; a fader ride is held until it ends and then becomes one. Nothing here touches the disk.

	Rows that ended wait in order until they are written, so that a failed write loses none.

	Two clocks: whether two entries belong to one ride is told from their own times, so that the
   same entries make the same rows however the threads run; that silence has ended a ride is told
   from the monotonic clock. */
#ifndef FB_RIDES_H
#define FB_RIDES_H

#include "store.h"

#define FB_RIDE_GAP_US 250000    ///< entries further apart are two rides
#define FB_RIDE_LATE_US 50000    ///< an entry may come this late: gather.h
#define FB_RIDE_HOLD_US 60000000 ///< a ride is not held in memory for longer

typedef struct fb_ride fb_ride;

/** One entry, and, of a ride's first entry, the ride. */
struct fb_ride {
	int64_t time_us;
	uint64_t frame;
	const char *origin, *address, *before, *after, *outcome; ///< before and after: NULL if none
	bool mergeable;
	double value;

	fb_ride *last; ///< the newest entry merged into this one; itself while it is alone
	uint64_t count;
	double least, greatest;

	fb_ride *prev, *next; ///< held: by last touch; ended: in order of ending
	fb_ride *chain;       ///< held: others in the same bucket
	int64_t begun_us, touched_us;
	char text[];
};

/** Copy an entry. NULL when out of memory. thread: any */
fb_ride *fb_ride_create(const fb_audit_entry *entry);
void fb_ride_destroy(fb_ride *ride); ///< NULL is allowed

typedef struct fb_rides fb_rides;

fb_rides *fb_rides_create(void); ///< NULL when out of memory
void fb_rides_destroy(fb_rides *rides);

/* now_us: the monotonic clock, in microseconds */
/** Takes the entry, which may be several merged already. */
void fb_rides_add(fb_rides *rides, fb_ride *entry, int64_t now_us);
void fb_rides_expire(fb_rides *rides, int64_t now_us); ///< end those fallen silent
void fb_rides_end_all(fb_rides *rides);
int64_t fb_rides_due(const fb_rides *rides); ///< when the next expires; INT64_MAX if none is held

const fb_ride *fb_rides_ended(const fb_rides *rides); ///< the first to write, on by `next`
void fb_rides_written(fb_rides *rides);               ///< drop all that ended
/** Keep only the first `rows` of those that ended; how many entries went. */
uint64_t fb_rides_trim(fb_rides *rides, size_t rows);

#endif
