/* Sliding windows of distinct items, one for each key: plugin/ml/behaviour/finding.py's Windows.
 *
 * The items of all windows stand in one pool and one table, so that a step takes constant time however many
 * a window holds.
 */
#ifndef HALIA_WINDOWS_H
#define HALIA_WINDOWS_H
#include "lru.h"

enum { EXAMPLES = 5, ITEM_WORDS = 3, TIMES_KEPT = 4, LEAST_KEPT = 100, ITEMS_EACH = 5 };

typedef struct {
    u64 word[ITEM_WORDS];
} item_key;

typedef struct {
    item_key key;
    i64 last;
    u64 first;  /* as what number it came first; arp-scan: whether it was answered */
    u32 owner, before, after, chain; /* items are told by their number + 1; 0 = none */
} item;

typedef struct {
    i64 dropped, quiet_until;
    u64 number;
    u32 count, oldest, newest;
    int cut;
} window;

typedef struct {
    lru keys;
    item *items;
    u32 *buckets;
    u64 mask, made, room;
    u32 unused;
    i64 span, most, limit, held, items_max;
} windows;

/* Windows of so many bytes (a window comes first), so long, of so many items at most. 0 = out of memory. */
static int windows_init(windows *w, u64 size, i64 span, i64 most, i64 tracked, const u64 *seed) {
    memset(w, 0, sizeof *w);
    w->span = span;
    w->most = most;
    w->limit = tracked;
    w->items_max = ITEMS_EACH * tracked > most ? ITEMS_EACH * tracked : most;
    w->mask = 63;
    w->room = 32;
    w->buckets = calloc(w->mask + 1, sizeof *w->buckets);
    w->items = malloc(w->room * sizeof *w->items);
    return lru_init(&w->keys, size, seed) && w->buckets && w->items;
}

static void windows_free(windows *w) {
    lru_free(&w->keys);
    free(w->buckets);
    free(w->items);
    memset(w, 0, sizeof *w);
}

static ALWAYS_INLINE u64 item_place(const windows *w, u32 owner, const item_key *k) {
    u64 h = fold(k->word[0] ^ w->keys.seed[0], k->word[1] ^ w->keys.seed[1]);
    return fold(h ^ owner, k->word[2] ^ w->keys.seed[0] ^ w->keys.seed[1]) & w->mask;
}

static ALWAYS_INLINE u32 item_find(const windows *w, u32 owner, const item_key *k) {
    u32 at = w->buckets[item_place(w, owner, k)];
    while (at && (w->items[at - 1].owner != owner || memcmp(&w->items[at - 1].key, k, sizeof *k)))
        at = w->items[at - 1].chain;
    return at;
}

static ALWAYS_INLINE void item_unlink(windows *w, window *v, const item *one) {
    if (one->before) w->items[one->before - 1].after = one->after;
    else v->oldest = one->after;
    if (one->after) w->items[one->after - 1].before = one->before;
    else v->newest = one->before;
}

static ALWAYS_INLINE void item_append(windows *w, window *v, u32 at) {
    item *one = w->items + at - 1;
    one->before = v->newest;
    one->after = 0;
    if (v->newest) w->items[v->newest - 1].after = at;
    else v->oldest = at;
    v->newest = at;
}

static int items_grow(windows *w) {
    item *items;
    u32 *buckets;
    if (w->unused || w->made < w->room) return 1;
    items = w->room < UINT32_MAX / 4 ? realloc(w->items, w->room * 2 * sizeof *items) : NULL;
    if (!items) return 0;
    w->items = items;
    w->room *= 2;
    buckets = calloc(w->room * 2, sizeof *buckets);
    if (!buckets) return 0;
    free(w->buckets);
    w->buckets = buckets;
    w->mask = w->room * 2 - 1;
    for (u32 at = 1; at <= w->made; at++) { /* none is unused */
        u32 *bucket = buckets + item_place(w, items[at - 1].owner, &items[at - 1].key);
        items[at - 1].chain = *bucket;
        *bucket = at;
    }
    return 1;
}

/* A new item at the end of a window; NULL = out of memory. */
static ALWAYS_INLINE item *item_make(windows *w, window *v, const item_key *k) {
    u32 at, *bucket, owner = lru_entry(&w->keys, v);
    if (!items_grow(w)) return NULL;
    at = w->unused ? w->unused : (u32)++w->made;
    if (w->unused) w->unused = w->items[at - 1].chain;
    bucket = w->buckets + item_place(w, owner, k);
    w->items[at - 1] = (item){.key = *k, .owner = owner, .chain = *bucket};
    *bucket = at;
    item_append(w, v, at);
    v->count++;
    return w->items + at - 1;
}

static void item_drop(windows *w, window *v, u32 at) {
    item *one = w->items + at - 1;
    u32 *link = w->buckets + item_place(w, one->owner, &one->key);
    while (*link != at) link = &w->items[*link - 1].chain;
    *link = one->chain;
    item_unlink(w, v, one);
    one->chain = w->unused;
    w->unused = at;
    v->count--;
}

static void windows_forget_oldest(windows *w) {
    window *v = lru_oldest(&w->keys);
    w->held -= v->count;
    while (v->oldest) item_drop(w, v, v->oldest);
    lru_remove(&w->keys, v);
}

/* The window of a key, touched last now; NULL = out of memory. */
static window *windows_touch(windows *w, const lru_key *k) {
    int fresh;
    window *v = lru_touch(&w->keys, k, &fresh);
    if (!v) return NULL;
    if (fresh) v->dropped = -w->span - 1;
    if ((i64)w->keys.count > w->limit) windows_forget_oldest(w);
    return v;
}

static void windows_grew(windows *w, i64 by) {
    w->held += by;
    while (w->held > w->items_max) windows_forget_oldest(w);
}

/* Put an item into the window of a key, which is given; NULL = out of memory. */
static window *windows_add(windows *w, const lru_key *k, i64 time, item_key one) {
    window *v = windows_touch(w, k);
    i64 before;
    u32 at;
    item *found;
    if (!v) return NULL;
    before = v->count;
    v->number++;
    at = item_find(w, lru_entry(&w->keys, v), &one);
    if (at) {
        found = w->items + at - 1;
        item_unlink(w, v, found);
        item_append(w, v, at);
        if (time > found->last) found->last = time;
    } else {
        found = item_make(w, v, &one);
        if (!found) return NULL;
        found->last = time;
        found->first = v->number;
    }
    while (v->oldest && w->items[v->oldest - 1].last < time - w->span) item_drop(w, v, v->oldest);
    if (v->count > w->most) {
        i64 last = w->items[v->oldest - 1].last;
        if (last > v->dropped) v->dropped = last;
        item_drop(w, v, v->oldest);
    }
    v->cut = v->dropped >= time - w->span;
    windows_grew(w, (i64)v->count - before);
    return v;
}

/* Whether to report now; if so, not again for so long. */
static ALWAYS_INLINE int is_due(i64 *quiet_until, i64 now, i64 repeat) {
    if (now < *quiet_until) return 0;
    *quiet_until = now + repeat;
    return 1;
}

/* Some items, first come first; how many. */
static u32 window_examples(const windows *w, const window *v, item_key *out) {
    u64 since = 0;
    u32 n = 0;
    for (; n < EXAMPLES; n++) {
        const item *next = NULL;
        for (u32 at = v->oldest; at; at = w->items[at - 1].after) {
            const item *one = w->items + at - 1;
            if (one->first > since && (!next || one->first < next->first)) next = one;
        }
        if (!next) break;
        since = next->first;
        out[n] = next->key;
    }
    return n;
}

static int by_time(const void *a, const void *b) {
    i64 x = *(const i64 *)a, y = *(const i64 *)b;
    return (x > y) - (x < y);
}

/* Whether so many items, the one of a time among them, came within so long. `near` has room for all. */
static int window_bursts(const windows *w, const window *v, i64 time, i64 number, i64 within, i64 *near) {
    i64 n = 0;
    for (u32 at = v->oldest; at; at = w->items[at - 1].after) {
        i64 last = w->items[at - 1].last, away = last > time ? last - time : time - last;
        if (away <= within) near[n++] = last;
    }
    if (n < number) return 0;
    qsort(near, (size_t)n, sizeof *near, by_time);
    for (i64 i = 0; i + number <= n; i++)
        if (near[i + number - 1] - near[i] <= within) return 1;
    return 0;
}
#endif
