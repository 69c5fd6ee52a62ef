/* Packets by second, device, kind and address: plugin/sessions/watch.py says what is counted, and its numpy
 * does the same where this is not compiled.
 *
 * Records are copied before they are looked at; whatever they hold, nothing is read but the tables here.
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
    u64 n, mask, seed[2];
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

static ALWAYS_INLINE void count_one(counts *c, const packet *k, i32 kind, int back) {
    i64 second = k->time / A_SECOND - (k->time % A_SECOND < 0);
    const u8 *ip = back ? k->src_ip : k->dst_ip;
    i32 mac = back ? k->dst_mac : k->src_mac;
    u64 halves[2], at;
    counted *row;
    if (mac < 0) return;
    memcpy(halves, ip, 16);
    at = fold(halves[0] ^ c->seed[0], halves[1] ^ c->seed[1] ^ (u64)second);
    at = fold(at ^ (u64)(u32)mac ^ ((u64)kind << 32), c->seed[0] | 1);
    for (at &= c->mask; c->table[at]; at = (at + 1) & c->mask) {
        row = c->rows + c->table[at] - 1;
        if (row->second == second && row->mac == mac && row->kind == kind && !memcmp(row->ip, ip, 16)) break;
    }
    if (!c->table[at]) {
        row = c->rows + c->n++;
        c->table[at] = (u32)c->n;
        memset(row, 0, sizeof *row);
        row->second = second, row->mac = mac, row->kind = kind;
        memcpy(row->ip, ip, 16);
    }
    row->amounts[back ? BACK : THERE]++;
    row->amounts[back ? BACK_BYTES : THERE_BYTES] += k->payload_len;
}

/* Room for two rows a packet, and for a table that is at most half full, is the caller's. */
static void count_packets(counts *c, const u8 *records, u64 n, const u8 *ports) {
    const u8 to_many = MARK_BROADCAST | MARK_MULTICAST | MARK_IP_MULTICAST;
    packet k;
    for (u64 i = 0; i < n; i++) {
        memcpy(&k, records + i * sizeof k, sizeof k);
        int back = k.direction == TO_ORIGINATOR;
        i32 kind = k.marks & MARK_LATER_FRAGMENT ? UNCOUNTED : kind_of_packet(&k, back, ports);
        if (kind == UNCOUNTED || ((k.marks & to_many || k.session < 0) && kind != KIND_DHCP)) continue;
        count_one(c, &k, kind, back);
        if (k.proto == 17 && ports[back ? k.src_port : k.dst_port] & PORT_REFLECTS) count_one(c, &k, KIND_SERVED, !back);
    }
}

/* Python's way to it: bytes of rows, in order of first sight. */
static PyObject *count_seconds(PyObject *module, PyObject *args) {
    Py_buffer records, ports, seed;
    PyObject *found = NULL;
    counts c = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*y*:seconds", &records, &ports, &seed)) return NULL;
    u64 n = (u64)records.len / sizeof(packet), size = 16;
    while (size < 4 * n) size *= 2;
    if ((u64)records.len % sizeof(packet) || ports.len != PORTS || seed.len != sizeof c.seed || n > UINT32_MAX / 4) {
        PyErr_SetString(PyExc_ValueError, "whole records, a table of all ports and 16 bytes of seed are expected");
    } else {
        c.mask = size - 1;
        memcpy(c.seed, seed.buf, sizeof c.seed);
        c.table = calloc(size, sizeof *c.table);
        c.rows = malloc((2 * n + 1) * sizeof *c.rows);
        if (c.table && c.rows) {
            Py_BEGIN_ALLOW_THREADS
            count_packets(&c, records.buf, n, ports.buf);
            Py_END_ALLOW_THREADS
            found = PyBytes_FromStringAndSize((const char *)c.rows, (Py_ssize_t)(c.n * sizeof *c.rows));
        } else {
            PyErr_NoMemory();
        }
        free(c.table);
        free(c.rows);
    }
    PyBuffer_Release(&records);
    PyBuffer_Release(&ports);
    PyBuffer_Release(&seed);
    return found;
}
#endif
