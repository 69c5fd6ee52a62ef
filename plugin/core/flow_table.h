/* Packets gathered by flow.
 *
 * plugin/flows/table.py says what a flow is; by_numpy.py does the same where this is not compiled.
 *
 * Records are copied before they are looked at; whatever they hold, nothing is read but the tables here.
 */
#ifndef HALIA_FLOW_TABLE_H
#define HALIA_FLOW_TABLE_H
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "wire.h"

#define FLOW_BLOCK (1u << 18)        /* packets kept in one piece; memory that is not filled costs nothing */
#define FLOW_PACKETS_MAX 0xffffffffu /* packets and flows are numbered by 32 bits */
#define FLOW_TUPLE 37                /* bytes of a key that tell flows apart */

#pragma pack(push, 1)
typedef struct {
    u8 src_ip[16], dst_ip[16];
    u16 src_port, dst_port;
    u8 proto;
    i32 src_mac, dst_mac;
} flow_key;

typedef struct {
    i64 time;
    u32 flow, size;
    u8 ttl, flags;
} flow_packet;
#pragma pack(pop)

_Static_assert(sizeof(flow_key) == 45, "flow key layout");
_Static_assert(sizeof(flow_packet) == 18, "flow packet layout");

typedef struct {
    flow_key *keys;
    u32 *counts; /* packets of each flow */
    u32 *table;  /* number of a flow + 1; 0 = none */
    flow_packet **blocks;
    u64 n, room, mask, packets, n_blocks, seed[2];
} flow_table;

/* Columns to be filled: by flow, in a flow by time, of one time by order of arrival. */
typedef struct {
    i64 *starts, *time;
    u32 *size;
    u8 *ttl, *flags;
    u64 room; /* packets */
} flow_columns;

/* Large memory that will be filled: fewer, larger pages, where the system knows them. */
static void flow_large(void *memory, u64 size) {
#ifdef MADV_HUGEPAGE
    uintptr_t page = 4096, from = ((uintptr_t)memory + page - 1) / page * page;
    if (size >= 1u << 22) madvise((void *)from, (size - (from - (uintptr_t)memory)) / page * page, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)size;
#endif
}

static int flow_table_init(flow_table *f, const u8 *seed) {
    memset(f, 0, sizeof *f);
    memcpy(f->seed, seed, sizeof f->seed);
    f->mask = 1023;
    f->room = 256;
    f->keys = malloc(f->room * sizeof *f->keys);
    f->counts = malloc(f->room * sizeof *f->counts);
    f->table = calloc(f->mask + 1, sizeof *f->table);
    return f->keys && f->counts && f->table;
}

static void flow_table_free(flow_table *f) {
    for (u64 i = 0; i < f->n_blocks; i++) free(f->blocks[i]);
    free(f->blocks);
    free(f->keys);
    free(f->counts);
    free(f->table);
    memset(f, 0, sizeof *f);
}

static ALWAYS_INLINE u64 flow_hash(const flow_table *f, const flow_key *k) {
    u64 part[5] = {0};
    memcpy(part, k, FLOW_TUPLE);
    return fold(fold(part[0] ^ f->seed[0], part[1] ^ f->seed[1]) ^ part[4],
                fold(part[2] ^ f->seed[1], part[3] ^ f->seed[0]) | 1);
}

/* Room for one flow more, in a table that stays at most half full. */
static int flow_table_grow(flow_table *f) {
    if (f->n == f->room) {
        flow_key *keys = realloc(f->keys, f->room * 2 * sizeof *keys);
        if (!keys) return 0;
        f->keys = keys;
        u32 *counts = realloc(f->counts, f->room * 2 * sizeof *counts);
        if (!counts) return 0;
        f->counts = counts;
        f->room *= 2;
    }
    if (f->n * 2 > f->mask) {
        u64 mask = f->mask * 2 + 1;
        u32 *table = calloc(mask + 1, sizeof *table);
        if (!table) return 0;
        for (u64 i = 0; i < f->n; i++) {
            u64 at = flow_hash(f, f->keys + i) & mask;
            while (table[at]) at = (at + 1) & mask;
            table[at] = (u32)i + 1;
        }
        free(f->table);
        f->table = table;
        f->mask = mask;
    }
    return 1;
}

static ALWAYS_INLINE int same_flow(const flow_key *a, const flow_key *b) { return !memcmp(a, b, FLOW_TUPLE); }

/* The place of a packet behind the last; NULL = out of memory. */
static ALWAYS_INLINE flow_packet *flow_room(flow_table *f) {
    u64 block = f->packets / FLOW_BLOCK;
    if (block == f->n_blocks) {
        flow_packet **blocks = realloc(f->blocks, (block + 1) * sizeof *blocks);
        if (!blocks) return NULL;
        f->blocks = blocks;
        if (!(blocks[block] = malloc(FLOW_BLOCK * sizeof **blocks))) return NULL;
        if (block) flow_large(blocks[block], FLOW_BLOCK * sizeof **blocks);
        f->n_blocks++;
    }
    return f->blocks[block] + f->packets % FLOW_BLOCK;
}

static ALWAYS_INLINE int has_flow(const packet *k) {
    if (k->proto != 6 && k->proto != 17) return 0;
    if (k->marks & MARK_LATER_FRAGMENT) return 0;
    return !(k->marks & MARK_TRUNCATED) || k->src_port || k->dst_port;
}

#define FLOW_AHEAD 32 /* packets whose places are fetched before the first of them is entered */

typedef struct {
    flow_key key;
    u64 hash;
    i64 time;
    u32 size;
    u8 ttl, flags;
} flow_entry;

static ALWAYS_INLINE void flow_take(const flow_table *f, const packet *k, flow_entry *e) {
    memcpy(e->key.src_ip, k->src_ip, 16);
    memcpy(e->key.dst_ip, k->dst_ip, 16);
    e->key.src_port = k->src_port, e->key.dst_port = k->dst_port, e->key.proto = k->proto;
    e->key.src_mac = k->src_mac, e->key.dst_mac = k->dst_mac;
    e->hash = flow_hash(f, &e->key);
    e->time = k->time, e->size = k->wire_len, e->ttl = k->ttl;
    e->flags = k->proto == 6 ? k->tcp_flags : 0;
}

/* The number of a flow, a new one if it is not known: there is room for it. */
static ALWAYS_INLINE u64 flow_number(flow_table *f, const flow_entry *e) {
    u64 at = e->hash & f->mask;
    for (; f->table[at]; at = (at + 1) & f->mask)
        if (same_flow(f->keys + f->table[at] - 1, &e->key)) return f->table[at] - 1;
    f->keys[f->n] = e->key;
    f->counts[f->n++] = 0;
    f->table[at] = (u32)f->n;
    return f->n - 1;
}

/* 0 = out of memory, or of numbers: the packets before were taken. */
static int flow_table_feed(flow_table *f, const u8 *records, u64 n) {
    flow_entry some[FLOW_AHEAD];
    packet k;
    for (u64 i = 0; i < n;) {
        u32 taken = 0;
        for (; i < n && taken < FLOW_AHEAD; i++) {
            memcpy(&k, records + i * sizeof k, sizeof k);
            if (!has_flow(&k)) continue;
            flow_take(f, &k, some + taken);
            PREFETCH(f->table + (some[taken++].hash & f->mask));
        }
        for (u32 j = 0; j < taken; j++) {
            u32 flow = f->table[some[j].hash & f->mask];
            if (!flow) continue;
            PREFETCH(f->keys + flow - 1);
            PREFETCH(f->counts + flow - 1);
        }
        for (u32 j = 0; j < taken; j++) {
            const flow_entry *e = some + j;
            flow_packet *one = f->packets < FLOW_PACKETS_MAX ? flow_room(f) : NULL;
            if (!one || !flow_table_grow(f)) return 0;
            u64 flow = flow_number(f, e);
            f->counts[flow]++;
            f->packets++;
            *one = (flow_packet){e->time, (u32)flow, e->size, e->ttl, e->flags};
        }
    }
    return 1;
}

static void flow_put(const flow_columns *c, u64 at, const flow_packet *k) {
    c->time[at] = k->time, c->size[at] = k->size, c->ttl[at] = k->ttl, c->flags[at] = k->flags;
}

/* Merge sort by time, stable: from `a` by way of `b`, both of n. The result is in `a`. */
static void flow_sort(flow_packet *a, flow_packet *b, u64 n) {
    flow_packet *from = a, *to = b;
    for (u64 run = 1; run < n; run *= 2) {
        for (u64 at = 0; at < n; at += 2 * run) {
            u64 i = at, middle = at + run < n ? at + run : n, end = middle + run < n ? middle + run : n, j = middle;
            for (u64 k = at; k < end; k++)
                to[k] = j >= end || (i < middle && from[i].time <= from[j].time) ? from[i++] : from[j++];
        }
        flow_packet *other = from;
        from = to, to = other;
    }
    if (from != a) memcpy(a, from, n * sizeof *a);
}

/* Put a flow whose packets did not come in order of time into order. 0 = out of memory. */
static int flow_order(const flow_columns *c, u64 flow) {
    u64 begin = (u64)c->starts[flow], n = (u64)c->starts[flow + 1] - begin;
    flow_packet *a = malloc(2 * n * sizeof *a);
    if (!a) return 0;
    for (u64 i = 0; i < n; i++)
        a[i] = (flow_packet){c->time[begin + i], 0, c->size[begin + i], c->ttl[begin + i], c->flags[begin + i]};
    flow_sort(a, a + n, n);
    for (u64 i = 0; i < n; i++) flow_put(c, begin + i, a + i);
    free(a);
    return 1;
}

/* Flows and packets of those that have at least so many of them. */
static u64 flow_table_kept(const flow_table *f, u64 least, u64 *packets) {
    u64 flows = 0;
    *packets = 0;
    for (u64 i = 0; i < f->n; i++) {
        if (f->counts[i] < least) continue;
        flows++;
        *packets += f->counts[i];
    }
    return flows;
}

/* Counting sort by flow, then by time where that is needed; flows of fewer packets are left out. 0 = out of
 * memory. */
static int flow_table_columns(const flow_table *f, u64 least, flow_key *keys, const flow_columns *c) {
    struct {
        u64 next;
        i64 last; /* time of the packet before */
    } *places = malloc((f->n + 1) * sizeof *places);
    u64 done = 0, kept = 0, at = 0;
    u8 *mixed = calloc(f->n + 1, 1);
    int right = places && mixed;
    for (u64 i = 0; right && i < f->n; i++) {
        if (f->counts[i] < least) continue;
        places[i].next = at, places[i].last = INT64_MIN;
        c->starts[kept] = (i64)at;
        keys[kept++] = f->keys[i];
        at += f->counts[i];
    }
    c->starts[kept] = (i64)at;
    for (u64 b = 0; right && b < f->n_blocks; b++) {
        for (u64 i = 0; i < FLOW_BLOCK && done < f->packets; i++, done++) {
            const flow_packet *k = f->blocks[b] + i;
            if (f->counts[k->flow] < least) continue;
            if (k->time < places[k->flow].last) mixed[k->flow] = 1;
            places[k->flow].last = k->time;
            flow_put(c, places[k->flow].next++, k);
        }
    }
    for (u64 i = 0, flow = 0; right && i < f->n; i++) {
        if (f->counts[i] < least) continue;
        if (mixed[i]) right = flow_order(c, flow);
        flow++;
    }
    free(places);
    free(mixed);
    return right;
}
#endif
