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

static bool has_token(const fb_http *http, struct lws *wsi)
{
	char given[300];
	const char *token = http->server->token;
	int len = lws_hdr_copy(wsi, given, sizeof given, WSI_TOKEN_HTTP_AUTHORIZATION);
	return *token && len > 7 && !strncasecmp(given, "Bearer ", 7) && same_secret(given + 7, token);
}

void fb_read_peer(fb_request *request)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	char text[INET6_ADDRSTRLEN] = "?";
	int port = 0;
	bool loopback = false;
	if (!getpeername(lws_get_socket_fd(request->wsi), (struct sockaddr *)&peer, &len)) {
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
	snprintf(request->origin, sizeof request->origin, "http %s:%d", text, port);
	request->may_write = loopback || has_token(request->http, request->wsi);
}
