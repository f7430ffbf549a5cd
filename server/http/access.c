/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks, and what it may: the token, and what keeps web pages of elsewhere out. A browser sends
   whom it believes to talk to (Host) and which page asks (Origin); a page that had its own name
   point at this machine, or that writes through a visitor's browser, gives itself away by them.
   thread: control */
#include "request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOST_LEN = 256 };

/* --- the token */

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

/** Who is at the other end, an IPv4 address as one of IPv6, however it came. false: nobody any
	more. */
static bool peer_address(int fd, struct sockaddr_in6 *peer)
{
	struct sockaddr_storage any;
	struct sockaddr_in in;
	socklen_t len = sizeof any;
	if (getpeername(fd, (struct sockaddr *)&any, &len)) {
		return false;
	}
	memcpy(peer, &any, sizeof *peer);
	if (any.ss_family == AF_INET) {
		memcpy(&in, &any, sizeof in);
		peer->sin6_port = in.sin_port;
		peer->sin6_addr = (struct in6_addr){{{[10] = 0xff, [11] = 0xff}}};
		memcpy(&peer->sin6_addr.s6_addr[12], &in.sin_addr, 4);
	}
	return true;
}

bool fb_read_peer(struct lws *wsi, const char *kind, char origin[FB_ORIGIN_LEN])
{
	struct sockaddr_in6 peer;
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;
	bool loopback = false;
	if (peer_address(lws_get_socket_fd(wsi), &peer)) {
		const uint8_t *bytes = peer.sin6_addr.s6_addr;
		bool v4 = IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr);
		inet_ntop(v4 ? AF_INET : AF_INET6, bytes + (v4 ? 12 : 0), text, sizeof text);
		loopback = v4 ? bytes[12] == 127 : IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr);
		port = ntohs(peer.sin6_port);
	}
	snprintf(origin, FB_ORIGIN_LEN, "%s %s:%u", kind, text, port);
	return loopback || has_token(wsi);
}

/* --- whom it believes to talk to */

/** A host without its port and brackets. */
static void bare_host(const char *host, char *out, size_t size)
{
	size_t len;
	if (*host == '[') {
		host++;
		len = strcspn(host, "]");
	} else {
		len = strcspn(host, ":");
	}
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), host);
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool listed(const fb_texts *texts, const char *text)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		if (!strcasecmp(texts->text[i], text)) {
			return true;
		}
	}
	return false;
}

/** A name of ours. Addresses are: nobody can make them point elsewhere. */
static bool is_our_host(const fb_options *options, const char *host)
{
	char own[128] = "", local[sizeof own + 8];
	if (is_address(host) || !strcasecmp(host, "localhost") || !strcasecmp(host, options->listen) ||
		listed(&options->host_names, host)) {
		return true;
	}
	if (gethostname(own, sizeof own - 1) || !own[0]) {
		return false;
	}
	snprintf(local, sizeof local, "%s.local", own);
	return !strcasecmp(host, own) || !strcasecmp(host, local);
}

/** Is this the origin of a page that we served ourselves? */
static bool is_own_origin(const char *origin, const char *host)
{
	const char *at = strstr(origin, "://");
	return at && (!strncasecmp(origin, "http:", 5) || !strncasecmp(origin, "https:", 6)) && *host &&
		   !strcasecmp(at + 3, host);
}

fb_visit fb_visit_of(struct lws *wsi, char origin[FB_ORIGIN_URL_LEN])
{
	const fb_options *options = &fb_http_of(wsi)->server->options;
	char host[HOST_LEN] = "", bare[HOST_LEN];
	int host_len = lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST);
	int origin_len = lws_hdr_copy(wsi, origin, FB_ORIGIN_URL_LEN, WSI_TOKEN_ORIGIN);
	bare_host(host, bare, sizeof bare);
	if (host_len < 0 || (*host && !is_our_host(options, bare))) {
		return FB_VISIT_MISLED;
	}
	if (origin_len < 0) {
		return FB_VISIT_FOREIGN;
	}
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) || is_own_origin(origin, host)) {
		return FB_VISIT_OWN;
	}
	return listed(&options->cors_origins, origin) ? FB_VISIT_INVITED : FB_VISIT_FOREIGN;
}
