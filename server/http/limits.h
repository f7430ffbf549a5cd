/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the HTTP port takes of anybody, in one place; doc/http.md tells it to people. OSC's are in
	osc/server.h (options), what an address may spend of the control thread in osc/account.h. */
#ifndef FB_LIMITS_H
#define FB_LIMITS_H

enum {
	/* who comes */
	FB_HEAD_MAX = 8192,      ///< bytes of a request's head
	FB_HEAD_S = 5,           ///< it has to be there after so long
	FB_HEAD_PIECES_MAX = 64, ///< that it may come in
	FB_GUESTS_MAX = 192,     ///< connections that have not said yet what they want
	FB_GUESTS_OF_ONE = 48,   ///< of one address

	/* connections that have asked something; guests and these are fewer than descriptors */
	FB_CONNECTIONS_MAX = 400,
	FB_CONNECTIONS_OF_ONE = 256, ///< of one address
	FB_IDLE_S = 60,              ///< one is kept without a request
	FB_WEBSOCKETS_MAX = 64,      ///< OSCQuery's
	FB_TAPS_MAX = 64,            ///< that listen to audio

	/* requests */
	FB_BODY_S = 10,              ///< a body has to come within, and so long more for ...
	FB_BODY_BYTES_PER_S = 65536, ///< ... each of these
	FB_WRITE_S = 20,             ///< a client has to take something of its answer within
	FB_WAIT_S = 5,               ///< a request may stand in line, then it is answered 503
	FB_DISCARD_MAX = 4 << 20,    ///< bytes read of what is too large, to be able to tell
	FB_HELD_MAX = 512 << 20,     ///< bytes of all bodies and answers together
};

#endif
