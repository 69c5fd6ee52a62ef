/* The MAC table: address -> index in order of first sight, with counters. */
#ifndef HALIA_MACS_H
#define HALIA_MACS_H
#include "wire.h"

typedef struct {
    u64 key; /* the address as a number, plus 1 << 48 so that no used entry is 0 */
    i32 id;
} mac_entry;

#define RECENT 16

typedef struct {
    mac_entry *table;
    u64 mask;
    mac_row *rows;
    u32 count, room, limit;
    u64 dropped; /* look-ups of new addresses beyond the limit */
    int no_memory;
    u64 seed0, seed1;
    u64 recent[RECENT]; /* keys looked up last, by their low bits: most frames need no hash */
    i32 recent_id[RECENT];
} mac_table;

static int macs_init(mac_table *m, u32 limit, u64 seed0, u64 seed1) {
    memset(m, 0, sizeof *m);
    m->limit = limit;
    m->seed0 = seed0;
    m->seed1 = seed1;
    m->mask = 255;
    m->room = 64;
    m->table = calloc(m->mask + 1, sizeof *m->table);
    m->rows = calloc(m->room, sizeof *m->rows);
    return m->table && m->rows;
}

static void macs_free(mac_table *m) {
    free(m->table);
    free(m->rows);
    m->table = NULL;
    m->rows = NULL;
}

static int macs_grow(mac_table *m) {
    if (m->count == m->room) {
        mac_row *rows = realloc(m->rows, (size_t)m->room * 2 * sizeof *rows);
        if (!rows) return 0;
        m->rows = rows;
        m->room *= 2;
    }
    if ((u64)m->count * 2 > m->mask) {
        u64 mask = m->mask * 2 + 1;
        mac_entry *table = calloc(mask + 1, sizeof *table);
        if (!table) return 0;
        for (u64 i = 0; i <= m->mask; i++) {
            if (!m->table[i].key) continue;
            u64 j = fold(m->table[i].key ^ m->seed0, m->seed1) & mask;
            while (table[j].key) j = (j + 1) & mask;
            table[j] = m->table[i];
        }
        free(m->table);
        m->table = table;
        m->mask = mask;
    }
    return 1;
}

static ALWAYS_INLINE u64 macs_key(const u8 *p) {
    return (((u64)be16(p) << 32) | be32(p + 2)) | ((u64)1 << 48);
}

/* Index of an address that is known, else -1. */
static ALWAYS_INLINE i32 macs_find(mac_table *m, const u8 *p) {
    u64 key = macs_key(p), i;
    u32 at = (u32)(key ^ key >> 4) % RECENT;
    if (m->recent[at] == key) return m->recent_id[at];
    i = fold(key ^ m->seed0, m->seed1) & m->mask;
    for (;;) {
        if (m->table[i].key == key) {
            m->recent[at] = key;
            return m->recent_id[at] = m->table[i].id;
        }
        if (!m->table[i].key) return -1;
        i = (i + 1) & m->mask;
    }
}

/* Enter an address that is not known under an index; the table has a free entry. */
static void macs_enter(mac_table *m, const u8 *p, i32 id) {
    u64 key = macs_key(p), i = fold(key ^ m->seed0, m->seed1) & m->mask;
    while (m->table[i].key) i = (i + 1) & m->mask;
    m->table[i].key = key;
    m->table[i].id = id;
    memset(&m->rows[id], 0, sizeof *m->rows);
    memcpy(m->rows[id].mac, p, 6);
}

/* Index of an address, -1 beyond the limit (counted) or out of memory (noted). Without a table: -1,
 * which is how a caller says that it wants no addresses. */
static ALWAYS_INLINE i32 macs_id(mac_table *m, const u8 *p) {
    i32 id;
    if (!m) return -1;
    id = macs_find(m, p);
    if (id >= 0) return id;
    if (m->count >= m->limit) {
        m->dropped++;
        return -1;
    }
    if (!macs_grow(m)) {
        m->no_memory = 1;
        return -1;
    }
    macs_enter(m, p, (i32)m->count);
    return (i32)m->count++;
}

static ALWAYS_INLINE void macs_count(mac_table *m, i32 id, int sent, u32 wire, i64 t) {
    mac_row *r = &m->rows[id];
    if (!(r->tx_packets | r->rx_packets)) r->first = r->last = t;
    if (t > r->last) r->last = t;
    if (t < r->first) r->first = t;
    if (sent) {
        r->tx_packets++;
        r->tx_bytes += wire;
    } else {
        r->rx_packets++;
        r->rx_bytes += wire;
    }
}

#endif
