/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks, and what it may. thread: control */
#include "request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/** Equal, in a time that does not tell where they differ. */
static bool same_secret(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned differ = la != lb;
	for (size_t i = 0; i < la && lb; i++) {
		differ |= (unsigned char)(a[i] ^ b[i % lb]);
	}
	return !differ;
}

bool fb_is_token(const fb_server *server, const char *text)
{
	return server->token[0] && same_secret(text, server->token);
}

static bool has_token(struct lws *wsi)
{
	char given[300];
	int len = lws_hdr_copy(wsi, given, sizeof given, WSI_TOKEN_HTTP_AUTHORIZATION);
	return len > 7 && !strncasecmp(given, "Bearer ", 7) &&
		   fb_is_token(fb_http_of(wsi)->server, given + 7);
}

bool fb_read_peer(struct lws *wsi, const char *kind, char origin[FB_ORIGIN_LEN])
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	char text[INET6_ADDRSTRLEN] = "?";
	int port = 0;
	bool loopback = false;
	if (!getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &len)) {
		if (peer.ss_family == AF_INET) {
			const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
			inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
			port = ntohs(in->sin_port);
			loopback = (ntohl(in->sin_addr.s_addr) >> 24) == 127;
		} else {
			const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&peer;
			inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
			port = ntohs(in->sin6_port);
			loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
		}
	}
	snprintf(origin, FB_ORIGIN_LEN, "%s %s:%d", kind, text, port);
	return loopback || has_token(wsi);
}
