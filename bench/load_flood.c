/* SPDX-License-Identifier: MIT */
/*
 * load_flood.c - SYNs with forged addresses and options
 *
 * Whole Ethernet frames, made beforehand: source ports, sequence numbers and tags at random, all else
 * as a vouched SYN of now would have it. The checksums are right: the receiver is to spend what
 * there is to spend on them. Bounded by its rate and its time, and over when its standard input ends.
 */
#include "load.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "bpf/vouch.h"

#define FRAMES      65536U
#define BATCH       64U
#define MAX_RATE    200000
#define MAX_SECONDS 120
#define SECOND      1000000000U

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t maximum_segment[4];
	struct vouch_option option;
} __attribute__((packed));

/* struct aim - the arguments, read */
struct aim {
	struct sockaddr_ll wire;
	struct in_addr from, to;
	uint16_t port; /* network order */
};

/* sum() - of 16-bit words, RFC 1071; an odd length is not asked for */
static uint32_t sum(uint32_t start, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i += 2)
		start += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return start;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void forge_option(struct vouch_option *option)
{
	struct timespec time;

	clock_gettime(CLOCK_TAI, &time);
	option->kind = VOUCH_KIND;
	option->length = VOUCH_LENGTH;
	option->exid = htons(VOUCH_EXID);
	option->version_epoch =
		(uint8_t)(VOUCH_VERSION << 4 | (time.tv_sec / VOUCH_EPOCH_SECONDS & 15));
	option->flags = VOUCH_SYN;
	for (size_t i = 0; i < sizeof(option->tag); i++)
		option->tag[i] = (uint8_t)random();
}

static void forge(struct frame *frame, const struct aim *aim)
{
	size_t segment = sizeof(*frame) - offsetof(struct frame, tcp);
	static const uint8_t maximum_segment[4] = { TCPOPT_MAXSEG, TCPOLEN_MAXSEG, 1460 >> 8,
						    1460 & 0xff };

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->ethernet.h_dest, aim->wire.sll_addr, ETH_ALEN);
	memcpy(frame->ethernet.h_source, "\x02\x77\x00\x00\x00\xfe", ETH_ALEN);
	frame->ethernet.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = sizeof(frame->ip) / 4;
	frame->ip.tot_len = htons((uint16_t)(sizeof(frame->ip) + segment));
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_TCP;
	frame->ip.saddr = aim->from.s_addr;
	frame->ip.daddr = aim->to.s_addr;
	frame->ip.check = folded(sum(0, &frame->ip, sizeof(frame->ip)));
	frame->tcp.source = htons((uint16_t)(1024 + random() % (65536 - 1024)));
	frame->tcp.dest = aim->port;
	frame->tcp.seq = (uint32_t)random();
	frame->tcp.doff = segment / 4;
	frame->tcp.syn = 1;
	frame->tcp.window = htons(65535);
	memcpy(frame->maximum_segment, maximum_segment, sizeof(maximum_segment));
	forge_option(&frame->option);
	frame->tcp.check = folded(sum(sum(IPPROTO_TCP + (uint32_t)segment, &frame->ip.saddr, 8),
				      &frame->tcp, segment));
}

static struct aim read_arguments(char *argv[])
{
	const struct ether_addr *to = ether_aton(argv[3]);
	struct aim aim = { .wire = { .sll_family = AF_PACKET,
				     .sll_halen = ETH_ALEN,
				     .sll_ifindex = (int)if_nametoindex(argv[2]) } };

	if (!to || !aim.wire.sll_ifindex || inet_pton(AF_INET, argv[4], &aim.from) != 1 ||
	    inet_pton(AF_INET, argv[5], &aim.to) != 1)
		die_saying("not an interface, Ethernet address, address, address");
	memcpy(aim.wire.sll_addr, to, ETH_ALEN);
	aim.port = htons((uint16_t)number(argv[6]));
	return aim;
}

/* send_some() - the next frames of the ring, at most BATCH; returns how many */
static unsigned send_some(int fd, const struct aim *aim, struct frame *frames, uint64_t sent,
			  uint64_t wanted)
{
	unsigned n = wanted < BATCH ? (unsigned)wanted : BATCH;
	struct mmsghdr messages[BATCH] = { 0 };
	struct sockaddr_ll wire = aim->wire;
	struct iovec parts[BATCH];
	int r;

	for (unsigned i = 0; i < n; i++) {
		parts[i].iov_base = &frames[(sent + i) % FRAMES];
		parts[i].iov_len = sizeof(frames[0]);
		messages[i].msg_hdr.msg_name = &wire;
		messages[i].msg_hdr.msg_namelen = sizeof(wire);
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	r = sendmmsg(fd, messages, n, 0);
	if (r < 0)
		die("sendmmsg");
	return (unsigned)r;
}

void load_flood(int argc, char *argv[])
{
	uint64_t rate = (uint64_t)number(argv[0]), length = (uint64_t)number(argv[1]) * SECOND;
	struct pollfd input = { .fd = 0, .events = POLLIN };
	struct aim aim = read_arguments(argv);
	struct frame *frames = calloc(FRAMES, sizeof(*frames));
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	uint64_t start, sent = 0, passed = 0;

	if (rate > MAX_RATE || length > (uint64_t)MAX_SECONDS * SECOND)
		die_saying("more than a test may send");
	if (!frames || fd < 0)
		die("frames");
	for (unsigned i = 0; i < FRAMES; i++)
		forge(&frames[i], &aim);
	puts("begins");
	fflush(stdout);
	start = now();
	while (passed < length && poll(&input, 1, 1) == 0) {
		uint64_t due = passed / 1000 * rate / (SECOND / 1000);

		while (sent < due)
			sent += send_some(fd, &aim, frames, sent, due - sent);
		passed = now() - start;
	}
	printf("%.0f\n", (double)sent * SECOND / (double)passed);
	free(frames);
}
