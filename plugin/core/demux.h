/* Frames to the devices they name: header-only pcap records in one bounded buffer a device.
 *
 * What it does is told, function by function, by _reference_demux.py, to which it must be equal.
 */
#ifndef HALIA_DEMUX_H
#define HALIA_DEMUX_H
#include "decode.h"

enum { DEMUX_MORE, DEMUX_DEVICE_FULL, DEMUX_STREAM_FULL, DEMUX_MEMORY_FULL, DEMUX_DAMAGED };

#define RECORD_HEADER 16u
#define FIRST_ROOM 4096u    /* what a device that says little is given */
#define FRAME_MAX 65536u    /* of a frame, more is not looked at: headers never reach so far */
#define BLOCK_HEADER 48u    /* struct tpacket_block_desc */
#define PACKET_HEADER 48u   /* struct tpacket3_hdr */
#define VLAN_VALID 16u      /* TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID */
#define VLAN_TPID_VALID 64u
#define ETHERNET 1
#define REPEATS 4096u       /* frames that are remembered to tell their second copies */

typedef struct {
    u8 *data;
    u32 used, room, packets;
    i32 next_free; /* index + 1 of the next slot that was forgotten */
    u8 in_use, fresh;
    i64 first, last;
} device;

/* A frame that came: its hash without its tag (0 = none), when, and the tag (-1 = none). */
typedef struct {
    u64 hash;
    i64 time;
    i32 tci;
} seen_frame;

typedef struct {
    mac_table macs; /* its rows are the devices' counters */
    device *devices;
    u32 devices_room, in_use, n_fresh;
    i32 free_head;
    u32 buffer;
    u64 memory, held;
    u8 *stream;
    u64 stream_room, stream_used;
    int stream_begun, names;
    i64 repeat; /* ns within which an equal frame is its copy; 0 = none is */
    seen_frame *seen;
    u64 repeated;
    u64 frames, wire_bytes, records, record_bytes, tagged, cut, nameless, refused, damaged;
    i64 first, last;
    u8 scratch[FRAME_MAX + 4];
} demux;

/* One frame as it came, before its tag is put back. */
typedef struct {
    const u8 *data;
    u32 captured, wire, sec, nsec;
    i32 tci; /* -1 = no tag was taken out */
    u16 tpid;
} arrived;

static ALWAYS_INLINE u32 host32(const u8 *p) {
    u32 v;
    memcpy(&v, p, 4);
    return v;
}
static ALWAYS_INLINE u16 host16(const u8 *p) {
    u16 v;
    memcpy(&v, p, 2);
    return v;
}
static ALWAYS_INLINE void put32(u8 *p, u32 v) {
    p[0] = (u8)v;
    p[1] = (u8)(v >> 8);
    p[2] = (u8)(v >> 16);
    p[3] = (u8)(v >> 24);
}

/* A slot for a new device: one that was forgotten, else the next. -1 = the limit, or no memory (noted). */
static i32 demux_enter(demux *x, const u8 *mac) {
    i32 id;
    if (x->in_use >= x->macs.limit) return -1;
    if (x->free_head) {
        id = x->free_head - 1;
        x->free_head = x->devices[id].next_free;
        macs_enter(&x->macs, mac, id);
    } else {
        if (x->macs.count == x->devices_room) {
            u32 room = x->devices_room ? x->devices_room * 2 : 64;
            device *grown = realloc(x->devices, (size_t)room * sizeof *grown);
            if (!grown) {
                x->macs.no_memory = 1;
                return -1;
            }
            x->devices = grown;
            x->devices_room = room;
        }
        id = macs_id(&x->macs, mac);
        if (id < 0) return -1;
    }
    memset(&x->devices[id], 0, sizeof *x->devices);
    x->devices[id].in_use = x->devices[id].fresh = 1;
    x->in_use++;
    x->n_fresh++;
    return id;
}

/* The device of an address; -1 = it is a group's or nobody's, -2 = there are too many devices. */
static ALWAYS_INLINE i32 demux_device(demux *x, const u8 *mac) {
    i32 id;
    if ((mac[0] & 1) || !(be32(mac) | be16(mac + 4))) return -1;
    id = macs_find(&x->macs, mac);
    if (id < 0) id = demux_enter(x, mac);
    return id < 0 ? -2 : id;
}

/* Room of a buffer that holds so many bytes. */
static ALWAYS_INLINE u32 demux_room(const demux *x, u32 room, u32 bytes) {
    if (bytes <= room) return room;
    if (!room) room = FIRST_ROOM;
    while (room < bytes) room *= 2;
    return room < x->buffer ? room : x->buffer;
}

static ALWAYS_INLINE void demux_record(u8 *to, const arrived *a, const u8 *p, u32 stored, u32 wire) {
    put32(to, a->sec);
    put32(to + 4, a->nsec);
    put32(to + 8, stored);
    put32(to + 12, wire);
    memcpy(to + RECORD_HEADER, p, stored);
}

static ALWAYS_INLINE int demux_append(demux *x, i32 id, const arrived *a, const u8 *p, u32 stored, u32 wire,
                                      int sent) {
    device *d = &x->devices[id];
    u32 n = RECORD_HEADER + stored, room = demux_room(x, d->room, d->used + n);
    i64 t = (i64)a->sec * 1000000000 + a->nsec;
    if (room != d->room) {
        u8 *grown = realloc(d->data, room);
        if (!grown) {
            x->macs.no_memory = 1;
            return 0;
        }
        x->held += room - d->room;
        d->data = grown;
        d->room = room;
    }
    demux_record(d->data + d->used, a, p, stored, wire);
    if (!d->packets++) d->first = d->last = t;
    if (t < d->first) d->first = t;
    if (t > d->last) d->last = t;
    d->used += n;
    x->records++;
    x->record_bytes += n;
    macs_count(&x->macs, id, sent, wire > WIRE_LEN_MAX ? WIRE_LEN_MAX : wire, t);
    return 1;
}

/* Payloads that tell names: DHCP, DHCPv6, mDNS. */
static ALWAYS_INLINE int names_port(u16 port) {
    return port == 67 || port == 68 || port == 546 || port == 547 || port == 5353;
}

/* Bytes of a frame to keep: up to the end of its L4 header, or of its payload if that tells names. */
static ALWAYS_INLINE u32 demux_stored(const demux *x, const packet *k, u32 captured) {
    u64 stored = k->header_len;
    if (x->names && k->proto == 17 && k->ip_version && !(k->marks & MARK_LATER_FRAGMENT) &&
        (names_port(k->src_port) || names_port(k->dst_port)))
        stored += k->payload_len;
    if (stored > captured) stored = captured;
    if (stored > x->buffer - RECORD_HEADER) stored = x->buffer - RECORD_HEADER;
    return (u32)stored;
}

/* Eight bytes at a time, the rest filled up with zeros; the seed is secret. */
static u64 demux_hash(const demux *x, const u8 *p, u32 n, u32 wire) {
    u64 h = fold(x->macs.seed0 ^ ((u64)wire << 32 | n), x->macs.seed1);
    for (; n >= 8; n -= 8, p += 8) h = fold(h ^ be64(p), x->macs.seed1);
    if (n) {
        u8 rest[8] = {0};
        memcpy(rest, p, n);
        h = fold(h ^ be64(rest), x->macs.seed1);
    }
    return h ? h : 1;
}

/* Whether this is the second copy of a frame. One of the two may lack the tag: a mirror copies a frame as it is at
 * an access port, without, and again as it is at a trunk. A third would be a first again, so that of equal frames that
 * somebody really sends at most half are taken for copies. */
static ALWAYS_INLINE int demux_repeated(demux *x, u64 hash, i64 t, i32 tci) {
    seen_frame *s = &x->seen[hash % REPEATS];
    if (s->hash != hash || t - s->time > x->repeat || s->time - t > x->repeat) return 0;
    if (s->tci >= 0 && tci >= 0 && s->tci != tci) return 0;
    s->hash = 0;
    x->repeated++;
    return 1;
}

/* One frame into its buffers, or into none and why: then it is to be given again. */
static ALWAYS_INLINE int demux_frame(demux *x, const arrived *a, i32 *full) {
    const u8 *p = a->data;
    u32 captured = a->captured, wire = a->wire, stored, n;
    i32 ids[2] = {-1, -1};
    u64 grown = 0, hash = 0;
    i64 t = (i64)a->sec * 1000000000 + a->nsec;
    packet k = PACKET_NONE;
    if (captured > FRAME_MAX) captured = FRAME_MAX;
    if (x->repeat) {
        hash = demux_hash(x, p, captured, wire);
        if (demux_repeated(x, hash, t, a->tci)) return DEMUX_MORE;
    }
    if (a->tci >= 0 && captured >= 12) {
        u8 *s = x->scratch;
        memcpy(s, p, 12);
        s[12] = (u8)(a->tpid >> 8);
        s[13] = (u8)a->tpid;
        s[14] = (u8)(a->tci >> 8);
        s[15] = (u8)a->tci;
        memcpy(s + 16, p + 12, captured - 12);
        p = s;
        captured += 4;
        wire = wire > UINT32_MAX - 4 ? UINT32_MAX : wire + 4;
    }
    decode(NULL, ETHERNET, p, captured, wire > WIRE_LEN_MAX ? WIRE_LEN_MAX : wire, &k, 0);
    stored = demux_stored(x, &k, captured);
    n = RECORD_HEADER + stored;
    if (captured >= 14) {
        ids[0] = demux_device(x, p + 6);
        ids[1] = memcmp(p, p + 6, 6) ? demux_device(x, p) : -1;
    }
    if (x->macs.no_memory) return DEMUX_MORE;
    if (x->stream_room && x->stream_room - x->stream_used < n) return DEMUX_STREAM_FULL;
    for (int i = 0; i < 2; i++) {
        const device *d;
        if (ids[i] < 0) continue;
        d = &x->devices[ids[i]];
        if (x->buffer - d->used < n) {
            *full = ids[i];
            return DEMUX_DEVICE_FULL;
        }
        grown += demux_room(x, d->room, d->used + n) - d->room;
    }
    if (x->held + grown > x->memory) return DEMUX_MEMORY_FULL;
    for (int i = 0; i < 2; i++) {
        if (ids[i] >= 0 && !demux_append(x, ids[i], a, p, stored, wire, !i)) return DEMUX_MORE;
        x->refused += ids[i] == -2;
    }
    if (x->stream_room) {
        demux_record(x->stream + x->stream_used, a, p, stored, wire);
        x->stream_used += n;
    }
    if (!x->frames++) x->first = x->last = t;
    if (t < x->first) x->first = t;
    if (t > x->last) x->last = t;
    if (x->repeat) x->seen[hash % REPEATS] = (seen_frame){hash, t, a->tci};
    x->wire_bytes += wire > WIRE_LEN_MAX ? WIRE_LEN_MAX : wire;
    x->tagged += a->tci >= 0;
    x->cut += (k.marks & MARK_TRUNCATED) && a->captured < a->wire;
    x->nameless += ids[0] < 0 && ids[1] < 0;
    return DEMUX_MORE;
}

static int demux_bad(demux *x) {
    x->damaged++;
    return DEMUX_DAMAGED;
}

/* The packets of one TPACKET_V3 block from number *done on, whose header stands at *at. */
static int demux_block(demux *x, const u8 *b, u64 size, u64 *at, u32 *done, i32 *full) {
    u32 count;
    if (size < BLOCK_HEADER) return demux_bad(x);
    count = host32(b + 12);
    if (*done > count) return demux_bad(x);
    if (!*done) *at = host32(b + 16);
    while (*done < count) {
        const u8 *h;
        u32 next, status, mac;
        arrived a;
        int got;
        if (*at > size || size - *at < PACKET_HEADER) return demux_bad(x);
        h = b + *at;
        next = host32(h);
        mac = host16(h + 24);
        a.captured = host32(h + 12);
        if ((u64)mac + a.captured > size - *at) return demux_bad(x);
        a.data = h + mac;
        a.sec = host32(h + 4);
        a.nsec = host32(h + 8);
        a.wire = host32(h + 16);
        status = host32(h + 20);
        a.tci = status & VLAN_VALID ? (i32)(host32(h + 32) & 0xffff) : -1;
        a.tpid = status & VLAN_TPID_VALID ? host16(h + 36) : 0x8100;
        if (next <= size - *at) PREFETCH(h + next);
        got = demux_frame(x, &a, full);
        if (got != DEMUX_MORE || x->macs.no_memory) return got;
        if (++*done < count) {
            if (next < PACKET_HEADER || next > size - *at) return demux_bad(x);
            *at += next;
        }
    }
    return DEMUX_MORE;
}

/* Take an address out of the table: what follows it in its run moves up, so that it is still found. */
static void demux_unlink(mac_table *m, u64 key) {
    u64 i = fold(key ^ m->seed0, m->seed1) & m->mask, j;
    while (m->table[i].key != key) i = (i + 1) & m->mask;
    for (j = (i + 1) & m->mask; m->table[j].key; j = (j + 1) & m->mask) {
        u64 home = fold(m->table[j].key ^ m->seed0, m->seed1) & m->mask;
        if (((j - home) & m->mask) < ((j - i) & m->mask)) continue;
        m->table[i] = m->table[j];
        i = j;
    }
    m->table[i].key = 0;
    m->table[i].id = 0;
    memset(m->recent, 0, sizeof m->recent);
}

/* Take a device out: its address is unknown again, its slot free for another. */
static void demux_forget(demux *x, u32 id) {
    device *d = &x->devices[id];
    demux_unlink(&x->macs, macs_key(x->macs.rows[id].mac));
    free(d->data);
    x->held -= d->room;
    x->n_fresh -= d->fresh;
    memset(d, 0, sizeof *d);
    memset(&x->macs.rows[id], 0, sizeof *x->macs.rows);
    d->next_free = x->free_head;
    x->free_head = (i32)id + 1;
    x->in_use--;
}

static int demux_init(demux *x, u32 limit, u32 buffer, u64 memory, u64 stream, int names, i64 repeat,
                      u64 seed0, u64 seed1) {
    x->buffer = buffer;
    x->memory = memory;
    x->names = names;
    x->stream_room = stream;
    x->repeat = repeat;
    if (stream && !(x->stream = malloc(stream))) return 0;
    if (repeat && !(x->seen = calloc(REPEATS, sizeof *x->seen))) return 0;
    return macs_init(&x->macs, limit, seed0, seed1);
}

static void demux_free(demux *x) {
    for (u32 i = 0; x->devices && i < x->macs.count; i++) free(x->devices[i].data);
    free(x->devices);
    free(x->stream);
    free(x->seen);
    macs_free(&x->macs);
}

#endif
