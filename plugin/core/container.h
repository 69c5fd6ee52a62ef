/* pcap and pcapng: where the next packet stands in the bytes. The text of each error is in layout.py. */
#ifndef HALIA_CONTAINER_H
#define HALIA_CONTAINER_H
#include "wire.h"

enum { ERR_NONE, ERR_FORMAT, ERR_CAPTURED, ERR_BLOCK_LENGTH, ERR_TRAILER, ERR_BYTE_ORDER, ERR_VERSION,
       ERR_INTERFACE, ERR_PACKET_BLOCK, ERR_TOO_MANY_INTERFACES };
enum { GOT_PACKET, GOT_NOTHING, GOT_SKIP, GOT_ERROR }; /* NOTHING: more bytes are needed */

#define BLOCK_MAX (16u << 20)      /* a block that we must see whole */
#define INTERFACES_MAX 65536u
#define LINKS_MAX 64u
#define TIME_MAX ((i64)1 << 62)

typedef struct {
    u16 link;
    u8 resolution; /* if_tsresol as in the file: 10^-n, or 2^-n with the high bit */
    u32 snaplen;
    i64 offset; /* if_tsoffset, seconds */
} interface;

typedef struct {
    int format; /* 0 not known yet, 1 pcap, 2 pcapng */
    int big, record_header, nanoseconds;
    u16 link;
    interface *interfaces;
    u32 n_interfaces, room;
    u16 links[LINKS_MAX];
    u32 n_links;
    u64 skip; /* bytes of a block that still have to be passed over */
    int error, no_memory;
    u64 error_value;
} container;

typedef struct {
    const u8 *data, *next;
    u32 captured, wire;
    u16 link, interface;
    i64 time;
    int no_time;
} record;

static int failed(container *c, int error, u64 value) {
    c->error = error;
    c->error_value = value;
    return GOT_ERROR;
}

static void note_link(container *c, u16 link) {
    for (u32 i = 0; i < c->n_links; i++)
        if (c->links[i] == link) return;
    if (c->n_links < LINKS_MAX) c->links[c->n_links++] = link;
}

static void container_restart(container *c) {
    interface *kept = c->interfaces;
    u32 room = c->room;
    memset(c, 0, sizeof *c);
    c->interfaces = kept;
    c->room = room;
}

/* Units of 10^-n or 2^-n seconds -> nanoseconds, clamped to +-2^62. */
static i64 to_ns(u64 units, u8 resolution, i64 offset) {
    static const u64 TEN[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    unsigned __int128 ns;
    u32 n = resolution & 0x7f;
    if (resolution & 0x80) {
        ns = n < 128 ? ((unsigned __int128)units * 1000000000u) >> n : 0;
    } else if (n <= 9) {
        ns = (unsigned __int128)units * TEN[9 - n];
    } else {
        ns = units;
        for (u32 i = 9; i < n && ns; i++) ns /= 10;
    }
    if (ns > (unsigned __int128)TIME_MAX) ns = (unsigned __int128)TIME_MAX;
    __int128 t = (__int128)ns + (__int128)offset * 1000000000;
    return t > TIME_MAX ? TIME_MAX : t < -TIME_MAX ? -TIME_MAX : (i64)t;
}

static int pcap_header(container *c, const u8 *p, u64 n, const u8 **next) {
    u32 magic;
    if (n < 4) return GOT_NOTHING;
    magic = le32(p);
    c->big = magic == 0xd4c3b2a1u || magic == 0x4d3cb2a1u || magic == 0x34cdb2a1u;
    if (c->big) magic = be32(p);
    if (magic == 0x0a0d0d0au) {
        c->format = 2;
        *next = p;
        return GOT_SKIP;
    }
    if (magic != 0xa1b2c3d4u && magic != 0xa1b23c4du && magic != 0xa1b2cd34u)
        return failed(c, ERR_FORMAT, be32(p));
    if (n < 24) return GOT_NOTHING;
    c->format = 1;
    c->nanoseconds = magic == 0xa1b23c4du;
    c->record_header = magic == 0xa1b2cd34u ? 24 : 16; /* Kuznetzov's modified pcap */
    c->link = (u16)rd32(p + 20, c->big);
    note_link(c, c->link);
    *next = p + 24;
    return GOT_SKIP;
}

static ALWAYS_INLINE int pcap_record(container *c, const u8 *p, u64 n, record *r) {
    if (n < (u64)c->record_header) return GOT_NOTHING;
    r->captured = rd32(p + 8, c->big);
    if (r->captured > CAPTURED_MAX) return failed(c, ERR_CAPTURED, r->captured);
    r->wire = rd32(p + 12, c->big);
    r->time = (i64)rd32(p, c->big) * 1000000000 + (i64)rd32(p + 4, c->big) * (c->nanoseconds ? 1 : 1000);
    if (r->time > TIME_MAX) r->time = TIME_MAX;
    r->link = c->link;
    r->interface = 0;
    r->no_time = 0;
    r->data = p + c->record_header;
    if (n - c->record_header < r->captured) return GOT_NOTHING;
    r->next = r->data + r->captured;
    return GOT_PACKET;
}

static int section_header(container *c, const u8 *p, u64 n, const u8 **next) {
    u32 size;
    if (n < 28) return GOT_NOTHING;
    if (le32(p + 8) == 0x1a2b3c4du) c->big = 0;
    else if (be32(p + 8) == 0x1a2b3c4du) c->big = 1;
    else return failed(c, ERR_BYTE_ORDER, be32(p + 8));
    if (rd16(p + 12, c->big) != 1) return failed(c, ERR_VERSION, rd16(p + 12, c->big));
    size = rd32(p + 4, c->big);
    if (size < 28 || size % 4 || size > BLOCK_MAX) return failed(c, ERR_BLOCK_LENGTH, size);
    if (n < size) return GOT_NOTHING;
    if (rd32(p + size - 4, c->big) != size) return failed(c, ERR_TRAILER, size);
    c->n_interfaces = 0;
    *next = p + size;
    return GOT_SKIP;
}

static int interface_block(container *c, const u8 *p, u32 size) {
    interface *i;
    const u8 *q = p + 16, *e = p + size - 4;
    if (size < 20) return failed(c, ERR_BLOCK_LENGTH, size);
    if (c->n_interfaces >= INTERFACES_MAX) return failed(c, ERR_TOO_MANY_INTERFACES, INTERFACES_MAX);
    if (c->n_interfaces == c->room) {
        u32 room = c->room ? c->room * 2 : 8;
        interface *grown = realloc(c->interfaces, room * sizeof *grown);
        if (!grown) {
            c->no_memory = 1;
            return GOT_ERROR;
        }
        c->interfaces = grown;
        c->room = room;
    }
    i = &c->interfaces[c->n_interfaces++];
    i->link = rd16(p + 8, c->big);
    i->snaplen = rd32(p + 12, c->big);
    i->resolution = 6;
    i->offset = 0;
    note_link(c, i->link);
    while (e - q >= 4) {
        u16 code = rd16(q, c->big), len = rd16(q + 2, c->big);
        q += 4;
        if (!code || len > e - q) break;
        if (code == 9 && len >= 1) i->resolution = q[0];
        if (code == 14 && len >= 8) {
            u64 hi = rd32(q + (c->big ? 0 : 4), c->big), lo = rd32(q + (c->big ? 4 : 0), c->big);
            i->offset = (i64)(hi << 32 | lo);
        }
        q += (len + 3) & ~3;
    }
    return GOT_SKIP;
}

static int packet_block(container *c, const u8 *p, u32 type, u32 size, record *r) {
    u32 number = 0, head = type == 3 ? 12 : 28;
    const interface *i;
    if (size < head + 4) return failed(c, ERR_BLOCK_LENGTH, size);
    if (type == 6) number = rd32(p + 8, c->big);
    if (type == 2) number = rd16(p + 8, c->big);
    if (number >= c->n_interfaces) return failed(c, ERR_INTERFACE, number);
    i = &c->interfaces[number];
    r->no_time = type == 3;
    r->time = 0;
    if (type == 3) {
        r->wire = rd32(p + 8, c->big);
        r->captured = r->wire;
        if (i->snaplen && r->captured > i->snaplen) r->captured = i->snaplen;
        if (r->captured > size - 16) r->captured = size - 16;
    } else {
        r->captured = rd32(p + 20, c->big);
        r->wire = rd32(p + 24, c->big);
        r->time = to_ns((u64)rd32(p + 12, c->big) << 32 | rd32(p + 16, c->big), i->resolution, i->offset);
        if (r->captured > size - 32) return failed(c, ERR_PACKET_BLOCK, r->captured);
    }
    if (r->captured > CAPTURED_MAX) return failed(c, ERR_CAPTURED, r->captured);
    r->link = i->link;
    r->interface = (u16)number;
    r->data = p + head;
    r->next = p + size;
    return GOT_PACKET;
}

static int pcapng_block(container *c, const u8 *p, u64 n, record *r, const u8 **next) {
    u32 type, size;
    int got;
    if (n < 8) return GOT_NOTHING;
    type = rd32(p, c->big);
    if (type == 0x0a0d0d0au) return section_header(c, p, n, next);
    size = rd32(p + 4, c->big);
    if (size < 12 || size % 4) return failed(c, ERR_BLOCK_LENGTH, size);
    if (type != 1 && type != 2 && type != 3 && type != 6) {
        c->skip = size > n ? size - n : 0;
        *next = p + (size > n ? n : size);
        return GOT_SKIP;
    }
    if (size > BLOCK_MAX) return failed(c, ERR_BLOCK_LENGTH, size);
    if (n < size) return GOT_NOTHING;
    if (rd32(p + size - 4, c->big) != size) return failed(c, ERR_TRAILER, size);
    if (type != 1) return packet_block(c, p, type, size, r);
    got = interface_block(c, p, size);
    *next = p + size;
    return got;
}

/* GOT_PACKET: *r is set. GOT_SKIP: *next is where to go on. Nothing is changed by GOT_NOTHING. */
static ALWAYS_INLINE int container_next(container *c, const u8 *p, u64 n, record *r, const u8 **next) {
    if (c->format == 1) return pcap_record(c, p, n, r);
    if (c->format == 0) return pcap_header(c, p, n, next);
    if (c->skip) {
        u64 step = c->skip < n ? c->skip : n;
        if (!step) return GOT_NOTHING;
        c->skip -= step;
        *next = p + step;
        return GOT_SKIP;
    }
    return pcapng_block(c, p, n, r, next);
}

#endif
