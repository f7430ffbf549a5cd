/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "allow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96 }; /* where an IPv4 address begins in a mapped one */

static const unsigned char mapped[V4_BITS / 8] = {[10] = 0xff, [11] = 0xff};

fb_status fb_allow_add(fb_allow *allow, const char *network, fb_error *error)
{
	char text[INET6_ADDRSTRLEN], *end;
	size_t len = strcspn(network, "/");
	if (allow->count == sizeof allow->net / sizeof *allow->net) {
		return fb_fail(error, FB_TOO_MANY, network, "there is no room for more networks");
	}
	unsigned char *address = allow->net[allow->count].address;
	snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text), network);
	bool v4 = inet_pton(AF_INET, text, address + sizeof mapped) == 1;
	if (v4) {
		memcpy(address, mapped, sizeof mapped);
	} else if (inet_pton(AF_INET6, text, address) != 1) {
		return fb_fail(
			error, FB_INVALID, network, "is no address, nor a network as 192.168.1.0/24");
	}
	unsigned long most = v4 ? 32 : 128, bits = most;
	if (network[len]) {
		bits = strtoul(network + len + 1, &end, 10);
		if (*end || end == network + len + 1 || bits > most) {
			return fb_fail(error, FB_INVALID, network, "needs 0 to %lu bits behind the /", most);
		}
	}
	allow->net[allow->count++].bits = (unsigned)bits + (v4 ? V4_BITS : 0);
	return FB_OK;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

bool fb_allow_has(const fb_allow *allow, const struct sockaddr *peer)
{
	unsigned char address[16];
	if (peer->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
		memcpy(address, mapped, sizeof mapped);
		memcpy(address + sizeof mapped, &in->sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)peer;
		memcpy(address, &in->sin6_addr, sizeof address);
	} else {
		return false;
	}
	static const unsigned char one[16] = {[15] = 1};
	if (!memcmp(address, one, sizeof one) ||
		(!memcmp(address, mapped, sizeof mapped) && address[12] == 127)) {
		return true;
	}
	for (uint32_t i = 0; i < allow->count; i++) {
		if (same_bits(address, allow->net[i].address, allow->net[i].bits)) {
			return true;
		}
	}
	return false;
}
