/* Packets by second, device, kind and address: plugin/sessions/watch.py says what is counted, and its numpy
 * does the same where this is not compiled.
 */
#ifndef HALIA_SECONDS_H
#define HALIA_SECONDS_H
#include "wire.h"

enum { KIND_SYN, KIND_UDP, KIND_ICMP, KIND_DNS, KIND_DHCP, KIND_LOAD, KIND_SERVED, KIND_UNASKED, UNCOUNTED = -1 };
enum { PORT_REFLECTS = 1, PORT_TUNNELS = 2, PORTS = 65536 };
enum { TO_ORIGINATOR = 1 };
enum { THERE, THERE_BYTES, BACK, BACK_BYTES, AMOUNTS };
#define A_SECOND 1000000000

typedef struct {
    i64 second;
    u8 ip[16];
    i32 mac, kind;
    i64 amounts[AMOUNTS];
} counted;

_Static_assert(sizeof(counted) == 64, "counted layout");

typedef struct {
    counted *rows;
    u32 *table; /* place of a row + 1; 0 = none */
    u64 n, mask, room, seed[2];
} counts;

static ALWAYS_INLINE i32 kind_of_udp(const packet *k, int back, const u8 *ports) {
    u16 from = k->src_port, to = k->dst_port;
    if ((from == 68 && to == 67) || (from == 546 && to == 547)) return KIND_DHCP;
    if (!back && ports[from] && !ports[to]) return KIND_UNASKED;
    return (back ? from : to) == 53 ? KIND_DNS : KIND_UDP;
}

static ALWAYS_INLINE i32 kind_of_packet(const packet *k, int back, const u8 *ports) {
    u8 request = k->proto == 1 ? 8 : 128, reply = k->proto == 1 ? 0 : 129;
    switch (k->proto) {
    case 6:
        if (!back && (k->tcp_flags & (SYN | ACK)) == SYN) return KIND_SYN;
        return k->payload_len ? KIND_LOAD : UNCOUNTED;
    case 17:
        return kind_of_udp(k, back, ports);
    case 1:
    case 58:
        return k->icmp_type == request || (k->icmp_type == reply && back) ? KIND_ICMP : UNCOUNTED;
    default:
        return UNCOUNTED;
    }
}

/* The row of a key; a new one is of zeros. There is room. */
static ALWAYS_INLINE counted *count_row(counts *c, i64 second, i32 mac, i32 kind, const u8 *ip) {
    u64 halves[2], at;
    counted *row;
    memcpy(halves, ip, 16);
    at = fold(halves[0] ^ c->seed[0], halves[1] ^ c->seed[1] ^ (u64)second);
    at = fold(at ^ (u64)(u32)mac ^ ((u64)kind << 32), c->seed[0] | 1);
    for (at &= c->mask; c->table[at]; at = (at + 1) & c->mask) {
        row = c->rows + c->table[at] - 1;
        if (row->second == second && row->mac == mac && row->kind == kind && !memcmp(row->ip, ip, 16)) return row;
    }
    row = c->rows + c->n++;
    c->table[at] = (u32)c->n;
    memset(row, 0, sizeof *row);
    row->second = second, row->mac = mac, row->kind = kind;
    memcpy(row->ip, ip, 16);
    return row;
}

static ALWAYS_INLINE void count_one(counts *c, const packet *k, i32 kind, int back) {
    i64 second = k->time / A_SECOND - (k->time % A_SECOND < 0);
    i32 mac = back ? k->dst_mac : k->src_mac;
    counted *row;
    if (mac < 0) return;
    row = count_row(c, second, mac, kind, back ? k->src_ip : k->dst_ip);
    row->amounts[back ? BACK : THERE]++;
    row->amounts[back ? BACK_BYTES : THERE_BYTES] += k->payload_len;
}

/* Room for two rows a packet, and a table that is at most half full then. 0 = out of memory. */
static int counts_begin(counts *c, u64 packets) {
    u64 size = 16;
    while (size < 4 * packets) size *= 2;
    c->n = 0;
    if (size > c->room) {
        free(c->table);
        free(c->rows);
        c->table = malloc(size * sizeof *c->table);
        c->rows = malloc(size / 2 * sizeof *c->rows);
        c->room = c->table && c->rows ? size : 0;
        if (!c->room) return 0;
    }
    c->mask = size - 1;
    memset(c->table, 0, size * sizeof *c->table);
    return 1;
}

static void counts_free(counts *c) {
    free(c->table);
    free(c->rows);
    memset(c, 0, sizeof *c);
}

static ALWAYS_INLINE void count_packet(counts *c, const packet *k, const u8 *ports) {
    const u8 to_many = MARK_BROADCAST | MARK_MULTICAST | MARK_IP_MULTICAST;
    int back = k->direction == TO_ORIGINATOR;
    i32 kind = k->marks & MARK_LATER_FRAGMENT ? UNCOUNTED : kind_of_packet(k, back, ports);
    if (kind == UNCOUNTED || ((k->marks & to_many || k->session < 0) && kind != KIND_DHCP)) return;
    count_one(c, k, kind, back);
    if (k->proto == 17 && ports[back ? k->src_port : k->dst_port] & PORT_REFLECTS) count_one(c, k, KIND_SERVED, !back);
}
#endif
