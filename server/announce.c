/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "announce.h"

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAKE_MS = 500, RETRY_S = 10, NAME_LEN = 64 };

struct fb_announce {
	char listen[64];
	uint16_t http_port, osc_port;
	pthread_t thread;
	atomic_bool ending;
	pthread_mutex_t lock; ///< of what follows, between the thread and who asks
	pthread_cond_t wake;
	char announced[NAME_LEN]; ///< "" while it is not
	/* the thread's own */
	char name[NAME_LEN];
	AvahiSimplePoll *poll;
	AvahiEntryGroup *group;
};

bool fb_is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1") || !strcmp(address, "localhost");
}

static void set_announced(fb_announce *announce, const char *name)
{
	pthread_mutex_lock(&announce->lock);
	snprintf(announce->announced, sizeof announce->announced, "%s", name);
	pthread_mutex_unlock(&announce->lock);
}

void fb_announce_name(fb_announce *announce, char *name, size_t size)
{
	name[0] = '\0';
	if (announce) {
		pthread_mutex_lock(&announce->lock);
		snprintf(name, size, "%s", announce->announced);
		pthread_mutex_unlock(&announce->lock);
	}
}

/* --- where */

/** The interface that has an address; all for those that stand for any. */
static AvahiIfIndex interface_of(const char *address)
{
	unsigned char wanted[16];
	int family = inet_pton(AF_INET, address, wanted) == 1    ? AF_INET
				 : inet_pton(AF_INET6, address, wanted) == 1 ? AF_INET6
															 : AF_UNSPEC;
	struct ifaddrs *all = NULL;
	AvahiIfIndex index = AVAHI_IF_UNSPEC;
	if (getifaddrs(&all)) {
		return index;
	}
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != family) {
			continue;
		}
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)at->ifa_addr;
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)at->ifa_addr;
		if (family == AF_INET ? !memcmp(&in->sin_addr, wanted, 4)
							  : !memcmp(&in6->sin6_addr, wanted, 16)) {
			index = (AvahiIfIndex)if_nametoindex(at->ifa_name);
		}
	}
	freeifaddrs(all);
	return index;
}

static AvahiProtocol protocol_of(const char *address)
{
	return !strchr(address, ':')   ? AVAHI_PROTO_INET
		   : strcmp(address, "::") ? AVAHI_PROTO_INET6
								   : AVAHI_PROTO_UNSPEC;
}

/* --- what */

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx);

static int add(fb_announce *announce, const char *type, uint16_t port)
{
	return avahi_entry_group_add_service(announce->group, interface_of(announce->listen),
		protocol_of(announce->listen), 0, announce->name, type, NULL, NULL, port, NULL);
}

/** Another host has our name: take "name #2" and so on. */
static void rename_it(fb_announce *announce)
{
	char *other = avahi_alternative_service_name(announce->name);
	if (other) {
		snprintf(announce->name, sizeof announce->name, "%s", other);
	}
	avahi_free(other);
}

static void publish(fb_announce *announce, AvahiClient *client)
{
	if (!announce->group) {
		announce->group = avahi_entry_group_new(client, on_group, announce);
	}
	for (int tries = 0; announce->group && tries < 16; tries++) {
		int wrong = add(announce, "_oscjson._tcp", announce->http_port);
		if (!wrong) {
			wrong = add(announce, "_osc._udp", announce->osc_port);
		}
		if (!wrong) {
			wrong = avahi_entry_group_commit(announce->group);
		}
		if (wrong != AVAHI_ERR_COLLISION) {
			return;
		}
		avahi_entry_group_reset(announce->group);
		rename_it(announce);
	}
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx)
{
	fb_announce *announce = ctx;
	if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
		set_announced(announce, announce->name);
	} else {
		set_announced(announce, "");
	}
	if (state == AVAHI_ENTRY_GROUP_COLLISION) {
		announce->group = group;
		avahi_entry_group_reset(group);
		rename_it(announce);
		publish(announce, avahi_entry_group_get_client(group));
	}
}

static void on_client(AvahiClient *client, AvahiClientState state, void *ctx)
{
	fb_announce *announce = ctx;
	if (state == AVAHI_CLIENT_S_RUNNING) {
		publish(announce, client);
	} else if (state == AVAHI_CLIENT_FAILURE) {
		avahi_simple_poll_quit(announce->poll); /* the bus has gone: begin anew */
	} else if (announce->group) {
		/* the host's name changes, or the daemon is away: what stood is no longer there */
		set_announced(announce, "");
		avahi_entry_group_reset(announce->group);
	}
}

/* --- the thread */

/** Until the bus goes, or the end. */
static void serve(fb_announce *announce)
{
	int why = 0;
	announce->poll = avahi_simple_poll_new();
	AvahiClient *client = announce->poll ? avahi_client_new(avahi_simple_poll_get(announce->poll),
											   AVAHI_CLIENT_NO_FAIL, on_client, announce, &why)
										 : NULL;
	while (client && !atomic_load(&announce->ending) &&
		   !avahi_simple_poll_iterate(announce->poll, WAKE_MS)) {
	}
	if (client) {
		avahi_client_free(client); /* and with it the group */
	}
	announce->group = NULL;
	if (announce->poll) {
		avahi_simple_poll_free(announce->poll);
	}
	set_announced(announce, "");
}

static void *run(void *ctx)
{
	fb_announce *announce = ctx;
	while (!atomic_load(&announce->ending)) {
		serve(announce);
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += RETRY_S;
		pthread_mutex_lock(&announce->lock);
		if (!atomic_load(&announce->ending)) {
			pthread_cond_timedwait(&announce->wake, &announce->lock, &until);
		}
		pthread_mutex_unlock(&announce->lock);
	}
	return NULL;
}

fb_status fb_announce_start(const char *name, const char *listen, uint16_t http_port,
	uint16_t osc_port, fb_announce **out, fb_error *error)
{
	*out = NULL;
	if (fb_is_loopback(listen)) {
		return FB_OK;
	}
	fb_announce *announce = calloc(1, sizeof *announce);
	if (!announce) {
		return fb_fail(error, FB_NO_MEMORY, "mDNS", "out of memory");
	}
	snprintf(announce->name, sizeof announce->name, "%s", name);
	snprintf(announce->listen, sizeof announce->listen, "%s", listen);
	announce->http_port = http_port;
	announce->osc_port = osc_port;
	pthread_mutex_init(&announce->lock, NULL);
	pthread_cond_init(&announce->wake, NULL);
	if (pthread_create(&announce->thread, NULL, run, announce)) {
		free(announce);
		return fb_fail(error, FB_IO, "mDNS", "no thread can be started");
	}
	*out = announce;
	return FB_OK;
}

void fb_announce_stop(fb_announce *announce)
{
	if (announce) {
		pthread_mutex_lock(&announce->lock);
		atomic_store(&announce->ending, true);
		pthread_cond_signal(&announce->wake);
		pthread_mutex_unlock(&announce->lock);
		pthread_join(announce->thread, NULL);
		pthread_cond_destroy(&announce->wake);
		pthread_mutex_destroy(&announce->lock);
		free(announce);
	}
}
