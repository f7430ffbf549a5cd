/* SPDX-License-Identifier: GPL-3.0-or-later */
/** An OSC client that measures a server on this machine, foldback's or another: how soon it answers
	a question, and how it bears sets at a given rate. The packets come ready made from run.py, so
	that sending costs as little as can be. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PACKETS_MAX = 65536 };

typedef struct packets {
	unsigned char *data;
	struct iovec at[PACKETS_MAX];
	size_t count;
} packets;

static void die(const char *what)
{
	fprintf(stderr, "bench_control: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/** Packets, each behind its size as a big-endian int32. */
static void read_packets(packets *p, const char *file)
{
	FILE *in = fopen(file, "rb");
	if (!in || fseek(in, 0, SEEK_END)) {
		die(file);
	}
	size_t size = (size_t)ftell(in), at = 0;
	rewind(in);
	p->data = malloc(size);
	if (!p->data || fread(p->data, 1, size, in) != size) {
		die(file);
	}
	fclose(in);
	while (at + 4 <= size && p->count < PACKETS_MAX) {
		uint32_t length;
		memcpy(&length, p->data + at, 4);
		p->at[p->count].iov_base = p->data + at + 4;
		p->at[p->count++].iov_len = ntohl(length);
		at += 4 + ntohl(length);
	}
}

static int connected(const char *port, int timeout_ms)
{
	struct sockaddr_in server = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) ||
		connect(fd, (struct sockaddr *)&server, sizeof server)) {
		die("socket");
	}
	return fd;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/** Ask, wait for the answer, ask again a little later: not in step with the server's blocks. */
static void ask(int fd, const packets *p, size_t count)
{
	double *took = calloc(count + 1, sizeof *took);
	unsigned char answer[2048];
	size_t lost = 0;
	for (size_t i = 0; took && i < count; i++) {
		nanosleep(&(struct timespec){0, 300000 + (long)(i * 7919 % 1000) * 1000}, NULL);
		double begin = now_s();
		if (send(fd, p->at[0].iov_base, p->at[0].iov_len, 0) < 0) {
			die("send");
		}
		lost += recv(fd, answer, sizeof answer, 0) < 0;
		took[i] = now_s() - begin;
	}
	if (took) {
		qsort(took, count, sizeof *took, by_value);
		printf("{\"median_us\": %.1f, \"p99_us\": %.1f, \"unanswered\": %zu}\n",
			1e6 * took[count / 2], 1e6 * took[count * 99 / 100], lost);
	}
	free(took);
}

static const char sync_packet[16] = "/sync\0\0\0,i\0\0\0\0\0\1";

/** Has the server dealt with all that came before? False after the socket's timeout. */
static int synced(int fd)
{
	unsigned char answer[2048];
	ssize_t got = send(fd, sync_packet, sizeof sync_packet, 0);
	do {
		got = recv(fd, answer, sizeof answer, 0);
	} while (got > 0 && memcmp(answer, "/synced", 8));
	return got > 0;
}

static size_t send_some(int fd, packets *p, size_t from, size_t count)
{
	struct mmsghdr batch[BATCH];
	for (size_t i = 0; i < count; i++) {
		struct iovec *packet = &p->at[(from + i) % p->count];
		batch[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = packet, .msg_iovlen = 1}};
	}
	int n = sendmmsg(fd, batch, (unsigned)count, 0);
	if (n < 0) {
		die("send");
	}
	return (size_t)n;
}

/** At a rate, in even steps, whether the server keeps up or not; or, with rate 0, no more than
	BATCH packets ahead of it. Round and round through the packets. */
static void flood(int fd, packets *p, double rate, size_t total)
{
	size_t step = rate > 0.0 && rate * 100e-6 < BATCH ? (size_t)(rate * 100e-6) + 1 : BATCH;
	size_t sent = 0, unanswered = 0;
	double begin = now_s();
	while (sent < total && unanswered < 3) {
		while (rate > 0.0 && now_s() < begin + (double)sent / rate) {
			/* a sleep would be longer than a step */
		}
		sent += send_some(fd, p, sent, step);
		unanswered += rate == 0.0 && !synced(fd);
	}
	double sending = now_s() - begin;
	unanswered += !synced(fd);
	printf(
		"{\"sent\": %zu, \"sending_s\": %.4f, \"unanswered\": %zu}\n", sent, sending, unanswered);
}

int main(int argc, char **argv)
{
	static packets p;
	if (argc == 5 && !strcmp(argv[1], "ask")) {
		read_packets(&p, argv[3]);
		ask(connected(argv[2], 1000), &p, (size_t)atoi(argv[4]));
	} else if (argc == 6 && !strcmp(argv[1], "flood")) {
		read_packets(&p, argv[3]);
		flood(connected(argv[2], 3000), &p, atof(argv[4]), (size_t)atof(argv[5]));
	} else {
		fprintf(stderr,
			"usage: %s ask PORT PACKETS COUNT\n       %s flood PORT PACKETS RATE COUNT\n", argv[0],
			argv[0]);
		return 2;
	}
	free(p.data);
	return 0;
}
