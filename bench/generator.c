/* Sends frames of many devices through one interface at a steady rate, and says what it sent.
 *
 * usage: generator INTERFACE RATE COUNT DEVICES   (RATE 0 = as fast as it goes)
 * Frame i comes from device i % DEVICES (02:00:00:00:hi:lo, from 1 on) and goes to another one; every
 * 16th is a broadcast ARP request, every 16th carries an 802.1Q tag. Lengths are mixed, 314 bytes in
 * the mean without tags. What a full queue refuses is sent again: what is counted was sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define ROOM 1600

static uint8_t frames[BATCH][ROOM];
static const unsigned LENGTHS[16] = {60, 42, 90, 590, 60, 1514, 60, 74, 60, 1000, 66, 60, 400, 66, 822, 60};

static void put16(uint8_t *p, unsigned v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void address(uint8_t *p, unsigned device) {
    static const uint8_t HEAD[4] = {2, 0, 0, 0};
    memcpy(p, HEAD, 4);
    put16(p + 4, device + 1);
}

static void ip_address(uint8_t *p, unsigned device) {
    p[0] = 10;
    p[1] = 1;
    put16(p + 2, device + 1);
}

/* Frame number i; returns its length, and who it names: -1 = everybody. */
static unsigned make(uint8_t *p, uint64_t i, unsigned devices, unsigned *from, int *to) {
    unsigned slot = (unsigned)(i % 16), src = (unsigned)(i % devices);
    unsigned length = LENGTHS[slot], at = 12, ip;
    unsigned dst = (unsigned)((src + 1 + i / devices % (devices > 1 ? devices - 1 : 1)) % devices);
    memset(p, 0, 80);
    *from = src;
    *to = (int)dst;
    address(p + 6, src);
    if (slot == 1) {
        memset(p, 0xff, 6);
        *to = -1;
        put16(p + 12, 0x0806);
        memcpy(p + 14, "\0\1\10\0\6\4\0\1", 8);
        address(p + 22, src);
        ip_address(p + 28, src);
        ip_address(p + 38, dst);
        return length;
    }
    address(p, dst);
    if (slot == 7) {
        put16(p + at, 0x8100);
        put16(p + at + 2, 100);
        at += 4;
        length += 4;
    }
    put16(p + at, 0x0800);
    ip = at + 2;
    p[ip] = 0x45;
    put16(p + ip + 2, length - ip);
    put16(p + ip + 4, (unsigned)i);
    p[ip + 8] = 64;
    p[ip + 9] = slot & 1 ? 17 : 6;
    ip_address(p + ip + 12, src);
    ip_address(p + ip + 16, dst);
    put16(p + ip + 20, 1024 + src);
    put16(p + ip + 22, slot & 1 ? 53 : 443);
    if (slot & 1) {
        put16(p + ip + 24, length - ip - 20);
    } else {
        put16(p + ip + 24, (unsigned)(i >> 16));
        put16(p + ip + 26, (unsigned)i);
        p[ip + 32] = 0x50;
        p[ip + 33] = 0x10;
    }
    return length;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send_all(int s, struct mmsghdr *messages, unsigned n) {
    for (unsigned done = 0; done < n;) {
        int got = sendmmsg(s, messages + done, n - done, 0);
        if (got > 0) {
            done += (unsigned)got;
        } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
            struct timespec t = {0, 100000};
            nanosleep(&t, NULL);
        } else {
            perror("sendmmsg");
            exit(1);
        }
    }
}

int main(int argc, char **argv) {
    struct sockaddr_ll to = {.sll_family = AF_PACKET};
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint64_t count, sent = 0, bytes = 0, tagged = 0, *named;
    unsigned devices;
    double rate, begin, end;
    int s, one = 1, room = 1 << 24;
    if (argc != 5) return fprintf(stderr, "usage: generator INTERFACE RATE COUNT DEVICES\n"), 2;
    rate = atof(argv[2]);
    count = strtoull(argv[3], NULL, 10);
    devices = (unsigned)atoi(argv[4]);
    if (!devices || devices > 60000) return 2;
    named = calloc(devices, sizeof *named);
    s = socket(AF_PACKET, SOCK_RAW, 0);
    to.sll_ifindex = (int)if_nametoindex(argv[1]);
    if (s < 0 || !named || bind(s, (struct sockaddr *)&to, sizeof to)) return perror("socket"), 1;
    setsockopt(s, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(s, SOL_PACKET, 20 /* PACKET_QDISC_BYPASS */, &one, sizeof one);
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        pieces[i].iov_base = frames[i];
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    begin = now();
    while (sent < count) {
        unsigned n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
        for (unsigned i = 0; i < n; i++) {
            unsigned from;
            int other;
            pieces[i].iov_len = make(frames[i], sent + i, devices, &from, &other);
            bytes += pieces[i].iov_len;
            tagged += (sent + i) % 16 == 7;
            named[from]++;
            if (other >= 0 && (unsigned)other != from) named[other]++;
        }
        send_all(s, messages, n);
        sent += n;
        if (rate > 0) {
            double ahead = begin + (double)sent / rate - now();
            if (ahead > 0) {
                struct timespec t = {(time_t)ahead, (long)((ahead - (double)(time_t)ahead) * 1e9)};
                nanosleep(&t, NULL);
            }
        }
    }
    end = now();
    printf("{\"sent\": %llu, \"bytes\": %llu, \"tagged\": %llu, \"seconds\": %.3f, \"named\": [",
           (unsigned long long)sent, (unsigned long long)bytes, (unsigned long long)tagged, end - begin);
    for (unsigned i = 0; i < devices; i++) printf("%s%llu", i ? ", " : "", (unsigned long long)named[i]);
    printf("]}\n");
    return 0;
}
