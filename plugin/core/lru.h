/* Tables of what was touched last: plugin/ml/behaviour/finding.py's Bounded, with any value.
 *
 * A key is four words; keys come from who sends the packets, so their hash is seeded. An entry that was
 * removed keeps its value until the next one is made.
 */
#ifndef HALIA_LRU_H
#define HALIA_LRU_H
#include "wire.h"

typedef struct {
    u64 word[4];
} lru_key;

typedef struct {
    u32 before, after, tag; /* entries are told by their number + 1; 0 = none */
} lru_links;

/* Links stand apart from values, and tags in the table: most steps touch one line of an entry that is far. */
typedef struct {
    u8 *nodes;        /* a key and the caller's value each */
    lru_links *links; /* of free entries, `after` is the next one */
    u64 *table;       /* tag << 32 | entry, at the low bits of the tag */
    u64 size, mask, made, room, count, seed[2];
    u32 oldest, newest, unused;
} lru;

static ALWAYS_INLINE lru_key *lru_key_at(const lru *l, u32 entry) { return (lru_key *)(l->nodes + (entry - 1) * l->size); }
static ALWAYS_INLINE void *lru_at(const lru *l, u32 entry) { return lru_key_at(l, entry) + 1; }
static ALWAYS_INLINE u32 lru_entry(const lru *l, const void *value) {
    return (u32)(((u64)((const u8 *)value - l->nodes)) / l->size) + 1;
}

/* Values of so many bytes, a multiple of 8. 0 = out of memory. */
static int lru_init(lru *l, u64 value, const u64 *seed) {
    memset(l, 0, sizeof *l);
    l->size = sizeof(lru_key) + value;
    l->mask = 63;
    l->room = 16;
    l->seed[0] = seed[0], l->seed[1] = seed[1] | 1;
    l->table = calloc(l->mask + 1, sizeof *l->table);
    l->nodes = malloc(l->room * l->size);
    l->links = malloc(l->room * sizeof *l->links);
    return l->table && l->nodes && l->links;
}

static void lru_free(lru *l) {
    free(l->table);
    free(l->nodes);
    free(l->links);
    memset(l, 0, sizeof *l);
}

static ALWAYS_INLINE u32 lru_tag(const lru *l, const lru_key *k) {
    u64 h = fold(k->word[0] ^ l->seed[0], k->word[1] ^ l->seed[1]);
    return (u32)fold(h ^ k->word[2], k->word[3] ^ l->seed[0] ^ l->seed[1] ^ (h >> 32));
}

/* The place of a key in the table, or of the gap where it belongs. */
static ALWAYS_INLINE u64 lru_place(const lru *l, const lru_key *k, u32 tag) {
    u64 at = tag & l->mask;
    for (; l->table[at]; at = (at + 1) & l->mask)
        if (l->table[at] >> 32 == tag && !memcmp(lru_key_at(l, (u32)l->table[at]), k, sizeof *k)) break;
    return at;
}

/* The value of a key, NULL if there is none. */
static ALWAYS_INLINE void *lru_find(const lru *l, const lru_key *k) {
    u32 entry = (u32)l->table[lru_place(l, k, lru_tag(l, k))];
    return entry ? lru_at(l, entry) : NULL;
}

static ALWAYS_INLINE void lru_unlink(lru *l, u32 entry) {
    lru_links it = l->links[entry - 1];
    if (it.before) l->links[it.before - 1].after = it.after;
    else l->oldest = it.after;
    if (it.after) l->links[it.after - 1].before = it.before;
    else l->newest = it.before;
}

static ALWAYS_INLINE void lru_append(lru *l, u32 entry) {
    l->links[entry - 1].before = l->newest;
    l->links[entry - 1].after = 0;
    if (l->newest) l->links[l->newest - 1].after = entry;
    else l->oldest = entry;
    l->newest = entry;
}

static ALWAYS_INLINE void lru_renew(lru *l, void *value) {
    u32 entry = lru_entry(l, value);
    if (entry == l->newest) return;
    lru_unlink(l, entry);
    lru_append(l, entry);
}

static int lru_grow(lru *l) {
    if (!l->unused && l->made == l->room) {
        u8 *nodes = l->room < UINT32_MAX / 2 ? realloc(l->nodes, l->room * 2 * l->size) : NULL;
        lru_links *links;
        if (!nodes) return 0;
        l->nodes = nodes;
        links = realloc(l->links, l->room * 2 * sizeof *links);
        if (!links) return 0;
        l->links = links;
        l->room *= 2;
    }
    if (l->count * 2 > l->mask) {
        u64 mask = l->mask * 2 + 1, *table = calloc(mask + 1, sizeof *table);
        if (!table) return 0;
        for (u64 i = 0; i <= l->mask; i++) {
            u64 at = l->table[i] >> 32 & mask;
            if (!l->table[i]) continue;
            while (table[at]) at = (at + 1) & mask;
            table[at] = l->table[i];
        }
        free(l->table);
        l->table = table;
        l->mask = mask;
    }
    return 1;
}

/* The value of a key, touched last now; of a new one zeros, and `fresh`. Other values move. NULL = out of
 * memory. The caller forgets the oldest beyond his limit. */
static ALWAYS_INLINE void *lru_touch(lru *l, const lru_key *k, int *fresh) {
    u32 tag = lru_tag(l, k), entry;
    u64 at = lru_place(l, k, tag);
    *fresh = !l->table[at];
    if (!*fresh) {
        lru_renew(l, lru_at(l, (u32)l->table[at]));
        return lru_at(l, (u32)l->table[at]);
    }
    if (!lru_grow(l)) return NULL;
    at = lru_place(l, k, tag);
    entry = l->unused ? l->unused : (u32)++l->made;
    if (l->unused) l->unused = l->links[entry - 1].after;
    l->links[entry - 1].tag = tag;
    *lru_key_at(l, entry) = *k;
    memset(lru_at(l, entry), 0, l->size - sizeof *k);
    l->table[at] = (u64)tag << 32 | entry;
    l->count++;
    lru_append(l, entry);
    return lru_at(l, entry);
}

static void lru_remove(lru *l, void *value) {
    u32 entry = lru_entry(l, value);
    u64 i = l->links[entry - 1].tag & l->mask, j;
    while ((u32)l->table[i] != entry) i = (i + 1) & l->mask;
    for (j = i;;) { /* close the gap: Knuth 6.4, algorithm R */
        u64 home;
        j = (j + 1) & l->mask;
        if (!l->table[j]) break;
        home = l->table[j] >> 32 & l->mask;
        if (((j - home) & l->mask) >= ((j - i) & l->mask)) {
            l->table[i] = l->table[j];
            i = j;
        }
    }
    l->table[i] = 0;
    lru_unlink(l, entry);
    l->links[entry - 1].after = l->unused;
    l->unused = entry;
    l->count--;
}

/* The value that was touched longest ago; there is one. */
static ALWAYS_INLINE void *lru_oldest(const lru *l) { return lru_at(l, l->oldest); }

static lru_key key_of_ip(const u8 *ip, u64 third, u64 fourth) {
    lru_key k = {{0, 0, third, fourth}};
    memcpy(k.word, ip, 16);
    return k;
}
#endif
