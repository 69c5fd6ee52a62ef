/* Sliding sums of packets and bytes, there and back, one for each key: plugin/ml/behaviour/sums.py. */
#ifndef HALIA_SLIDING_H
#define HALIA_SLIDING_H
#include "seconds.h"
#include "windows.h"

enum { SUMS_SLOTS = 60, PARTS_MAX = 1 << 15 };

typedef struct {
    i64 number, amounts[AMOUNTS];
} part;

typedef struct {
    i64 amounts[AMOUNTS], quiet_until, only; /* the number of the part, where there is but one: most keys */
    part *parts;                             /* a ring, once there were several */
    u16 first, count, room;
} sums;

typedef struct {
    lru keys;
    i64 slot, span, limit, held, items_max;
} sums_of;

static int sums_init(sums_of *s, i64 slot, i64 span, i64 tracked, const u64 *seed) {
    memset(s, 0, sizeof *s);
    s->slot = slot;
    s->span = span;
    s->limit = tracked;
    s->items_max = ITEMS_EACH * tracked > SUMS_SLOTS ? ITEMS_EACH * tracked : SUMS_SLOTS;
    return lru_init(&s->keys, sizeof(sums), seed);
}

/* Its sums stay until the next are made; its parts do not. */
static void sums_forget_oldest(sums_of *s) {
    sums *v = lru_oldest(&s->keys);
    s->held -= v->count;
    free(v->parts);
    v->parts = NULL;
    lru_remove(&s->keys, v);
}

static void sums_free(sums_of *s) {
    while (s->keys.oldest) sums_forget_oldest(s);
    lru_free(&s->keys);
}

static ALWAYS_INLINE part *part_at(const sums *v, u32 i) { return v->parts + ((v->first + i) & (v->room - 1)); }

static ALWAYS_INLINE i64 last_part(const sums *v) { return v->parts ? part_at(v, v->count - 1u)->number : v->only; }

/* Room for one part more, for which there are parts already. */
static int parts_grow(sums *v) {
    u32 room = v->parts ? v->room * 2u : 4;
    part *parts;
    if (v->count < v->room) return 1;
    if (room > PARTS_MAX) return 0;
    parts = malloc(room * sizeof *parts);
    if (!parts) return 0;
    if (!v->parts) {
        parts[0].number = v->only;
        memcpy(parts[0].amounts, v->amounts, sizeof v->amounts);
    }
    for (u32 i = 0; v->parts && i < v->count; i++) parts[i] = *part_at(v, i);
    free(v->parts);
    v->parts = parts;
    v->room = (u16)room;
    v->first = 0;
    return 1;
}

static ALWAYS_INLINE void amounts_add(i64 *to, const i64 *more) {
    for (int i = 0; i < AMOUNTS; i++) to[i] = (i64)((u64)to[i] + (u64)more[i]);
}

/* Add a count to the sums of a key, which are given; NULL = out of memory. */
static sums *sums_add(sums_of *s, const lru_key *k, const counted *row) {
    int fresh;
    sums *v = lru_touch(&s->keys, k, &fresh);
    i64 number = row->second / s->slot - (row->second % s->slot < 0), before;
    if (!v) return NULL;
    if ((i64)s->keys.count > s->limit) sums_forget_oldest(s);
    before = v->count;
    if (!v->count) {
        v->count = 1;
        v->only = number;
    } else if (number > last_part(v)) {
        part *last;
        if (!parts_grow(v)) return NULL;
        last = part_at(v, v->count++);
        last->number = number;
        memcpy(last->amounts, row->amounts, sizeof last->amounts);
        while (part_at(v, 0)->number <= number - s->span) {
            const part *gone = part_at(v, 0);
            for (int i = 0; i < AMOUNTS; i++) v->amounts[i] = (i64)((u64)v->amounts[i] - (u64)gone->amounts[i]);
            v->first = (u16)((v->first + 1u) & (v->room - 1u));
            v->count--;
        }
    } else if (v->parts) {
        amounts_add(part_at(v, v->count - 1u)->amounts, row->amounts);
    }
    amounts_add(v->amounts, row->amounts);
    s->held += (i64)v->count - before;
    while (s->held > s->items_max) sums_forget_oldest(s);
    return v;
}
#endif
