/* Open sessions: hash table, check queues, statistics. The rule is told in docs/algorithms.md. */
#ifndef HALIA_SESSIONS_H
#define HALIA_SESSIONS_H
#include "wire.h"

enum { CLASS_TCP, CLASS_UDP, CLASS_ICMP, CLASS_OTHER, CLASSES };
enum { TCP_FIN_A = 1, TCP_FIN_B = 2, TCP_RST = 4 };
#define QUIET INT64_MAX

/* What every packet touches: one cache line a session. a < b, whoever sent. */
typedef struct {
    u64 a_hi, a_lo, b_hi, b_lo;
    u32 ports; /* a's port << 16 | b's port */
    u8 proto, version, swapped /* the originator is b */, tcp;
    i64 last, start; /* the clock at the last and at the first packet */
    u32 tag;         /* low half of the key's hash */
    u32 used;        /* 1 = open; a free slot keeps the next free one in `ports` */
} hot;
_Static_assert(sizeof(hot) == 64, "one cache line");

typedef struct {
    i64 check; /* when to look whether the session is over */
    u32 slot;
} due;

typedef struct {
    due *ring;
    u64 head, count, room; /* room is a power of two */
} queue;

typedef struct {
    hot *hot;
    session *rows; /* NULL when only counting */
    u16 *seen;     /* history letters already noted, 8 bits a direction */
    u64 room, n_slots, n_open, max_open;
    u32 free_head; /* slot + 1, 0 = none */
    u64 *table;    /* tag << 32 | slot + 1 */
    u64 mask;
    queue queue[CLASSES];
    i64 idle[CLASSES], active[CLASSES], next_check, clock;
    u64 started, evicted, seed[4];
    u32 *drain; /* slots in order of id while all are being closed */
    u64 drain_at, drain_count;
    int stats, no_memory;
    session *out; /* the caller's buffer */
    u64 n_out, out_room;
} sessions;

static int class_of(u8 proto) {
    return proto == 6 ? CLASS_TCP : proto == 17 ? CLASS_UDP : proto == 1 || proto == 58 ? CLASS_ICMP : CLASS_OTHER;
}

static int sessions_init(sessions *s, int stats, u64 max_open) {
    s->stats = stats;
    s->max_open = max_open;
    s->room = 256;
    s->mask = 1023;
    s->next_check = QUIET;
    s->hot = malloc(s->room * sizeof *s->hot);
    s->table = calloc(s->mask + 1, sizeof *s->table);
    if (stats) {
        s->rows = malloc(s->room * sizeof *s->rows);
        s->seen = malloc(s->room * sizeof *s->seen);
        if (!s->rows || !s->seen) return 0;
    }
    for (int i = 0; i < CLASSES; i++) {
        s->queue[i].room = 64;
        s->queue[i].ring = malloc(64 * sizeof(due));
        if (!s->queue[i].ring) return 0;
    }
    return s->hot && s->table;
}

static void sessions_free(sessions *s) {
    free(s->hot);
    free(s->rows);
    free(s->seen);
    free(s->table);
    free(s->drain);
    for (int i = 0; i < CLASSES; i++) free(s->queue[i].ring);
    memset(s, 0, sizeof *s);
}

static int queue_push(sessions *s, int cls, i64 check, u32 slot) {
    queue *q = &s->queue[cls];
    if (q->count == q->room) {
        due *ring = malloc(q->room * 2 * sizeof *ring);
        if (!ring) return 0;
        for (u64 i = 0; i < q->count; i++) ring[i] = q->ring[(q->head + i) & (q->room - 1)];
        free(q->ring);
        q->ring = ring;
        q->head = 0;
        q->room *= 2;
    }
    q->ring[(q->head + q->count++) & (q->room - 1)] = (due){check, slot};
    if (check < s->next_check) s->next_check = check;
    return 1;
}

static u32 queue_pop(queue *q) {
    u32 slot = q->ring[q->head].slot;
    q->head = (q->head + 1) & (q->room - 1);
    q->count--;
    return slot;
}

static void table_remove(sessions *s, u32 slot) {
    u64 i = s->hot[slot].tag & s->mask, j;
    while ((u32)s->table[i] != slot + 1) i = (i + 1) & s->mask;
    for (j = i;;) { /* close the gap: Knuth 6.4, algorithm R */
        u64 home;
        j = (j + 1) & s->mask;
        if (!s->table[j]) break;
        home = (s->table[j] >> 32) & s->mask;
        if (((j - home) & s->mask) >= ((j - i) & s->mask)) {
            s->table[i] = s->table[j];
            i = j;
        }
    }
    s->table[i] = 0;
}

static void emit(sessions *s, u32 slot, u8 reason) {
    if (!s->stats) return;
    s->out[s->n_out] = s->rows[slot];
    s->out[s->n_out++].end_reason = reason;
}

static int full(const sessions *s, u64 need) { return s->stats && s->n_out + need > s->out_room; }

static void release(sessions *s, u32 slot, u8 reason) {
    emit(s, slot, reason);
    table_remove(s, slot);
    s->hot[slot].used = 0;
    s->hot[slot].ports = s->free_head;
    s->free_head = slot + 1;
    s->n_open--;
}

static int over(const sessions *s, u32 slot) {
    return s->clock - s->hot[slot].last > s->idle[class_of(s->hot[slot].proto)];
}

/* Close what has been idle for too long. 0 = the caller's buffer is full: call again. */
static int sweep(sessions *s) {
    s->next_check = QUIET;
    for (int cls = 0; cls < CLASSES; cls++) {
        queue *q = &s->queue[cls];
        while (q->count && q->ring[q->head].check < s->clock) {
            u32 slot = q->ring[q->head].slot;
            if (over(s, slot)) {
                if (full(s, 1)) {
                    s->next_check = INT64_MIN;
                    return 0;
                }
                queue_pop(q);
                release(s, slot, END_IDLE);
            } else {
                queue_pop(q);
                if (!queue_push(s, cls, s->hot[slot].last + s->idle[cls], slot)) s->no_memory = 1;
            }
        }
        if (q->count && q->ring[q->head].check < s->next_check) s->next_check = q->ring[q->head].check;
    }
    return 1;
}

typedef struct {
    i64 id;
    u32 slot;
} ordered;

static int by_id(const void *a, const void *b) {
    i64 x = ((const ordered *)a)->id, y = ((const ordered *)b)->id;
    return x < y ? -1 : x > y;
}

static int drain_start(sessions *s) {
    ordered *all = malloc((s->n_open + 1) * sizeof *all);
    s->drain = malloc((s->n_open + 1) * sizeof *s->drain);
    if (!all || !s->drain) {
        free(all);
        free(s->drain);
        s->drain = NULL;
        s->no_memory = 1;
        return 0;
    }
    s->drain_at = s->drain_count = 0;
    for (u64 i = 0; i < s->n_slots; i++)
        if (s->hot[i].used) all[s->drain_count++] = (ordered){s->rows[i].id, (u32)i};
    qsort(all, s->drain_count, sizeof *all, by_id);
    for (u64 i = 0; i < s->drain_count; i++) s->drain[i] = all[i].slot;
    free(all);
    return 1;
}

/* Close every session, in order of id. 0 = the caller's buffer is full: call again. */
static int drain(sessions *s, u8 reason) {
    if (s->stats) {
        if (!s->drain && !drain_start(s)) return 1;
        while (s->drain_at < s->drain_count) {
            u32 slot = s->drain[s->drain_at];
            if (full(s, 1)) return 0;
            emit(s, slot, over(s, slot) ? END_IDLE : reason);
            s->drain_at++;
        }
        free(s->drain);
        s->drain = NULL;
    }
    memset(s->table, 0, (s->mask + 1) * sizeof *s->table);
    for (int i = 0; i < CLASSES; i++) s->queue[i].head = s->queue[i].count = 0;
    s->n_slots = s->n_open = 0;
    s->free_head = 0;
    s->next_check = QUIET;
    return 1;
}

static int sessions_grow(sessions *s) {
    if (!s->free_head && s->n_slots == s->room) {
        u64 room = s->room * 2;
        hot *h = realloc(s->hot, room * sizeof *h);
        if (!h) return 0;
        s->hot = h;
        if (s->stats) {
            session *rows = realloc(s->rows, room * sizeof *rows);
            u16 *seen;
            if (!rows) return 0;
            s->rows = rows;
            seen = realloc(s->seen, room * sizeof *seen);
            if (!seen) return 0;
            s->seen = seen;
        }
        s->room = room;
    }
    if (s->n_open * 2 > s->mask) {
        u64 mask = s->mask * 2 + 1, *table = calloc(mask + 1, sizeof *table);
        if (!table) return 0;
        for (u64 i = 0; i <= s->mask; i++) {
            u64 j;
            if (!s->table[i]) continue;
            j = (s->table[i] >> 32) & mask;
            while (table[j]) j = (j + 1) & mask;
            table[j] = s->table[i];
        }
        free(s->table);
        s->table = table;
        s->mask = mask;
    }
    return 1;
}

static u32 take_slot(sessions *s) {
    if (s->free_head) {
        u32 slot = s->free_head - 1;
        s->free_head = s->hot[slot].ports;
        return slot;
    }
    return (u32)s->n_slots++;
}

static void evict(sessions *s) {
    queue *most = &s->queue[0];
    for (int i = 1; i < CLASSES; i++)
        if (s->queue[i].count > most->count) most = &s->queue[i];
    release(s, queue_pop(most), END_EVICTED);
    s->evicted++;
}

static void begin(sessions *s, u32 slot, const packet *k, int swapped) {
    hot *h = &s->hot[slot];
    session *r;
    int flip = k->proto == 6 && (k->tcp_flags & (SYN | ACK)) == (SYN | ACK);
    h->swapped = (u8)(swapped ^ flip);
    h->tcp = 0;
    h->start = s->clock;
    h->used = 1;
    if (s->stats) {
        r = &s->rows[slot];
        memset(r, 0, sizeof *r);
        r->id = (i64)s->started;
        r->start = r->end = k->time;
        memcpy(r->orig_ip, flip ? k->dst_ip : k->src_ip, 16);
        memcpy(r->resp_ip, flip ? k->src_ip : k->dst_ip, 16);
        r->orig_port = flip ? k->dst_port : k->src_port;
        r->resp_port = flip ? k->src_port : k->dst_port;
        r->orig_mac = flip ? k->dst_mac : k->src_mac;
        r->resp_mac = flip ? k->src_mac : k->dst_mac;
        r->proto = k->proto;
        r->ip_version = k->ip_version;
        r->icmp_type = k->icmp_type;
        r->icmp_code = k->icmp_code;
        r->vlan = k->vlan;
        r->inner_vlan = k->inner_vlan;
        if (flip) r->history[r->history_len++] = '^';
        s->seen[slot] = 0;
    }
    s->started++;
}

/* History letters as Zeek's, each at its first sight in each direction. */
static void note(sessions *s, u32 slot, const packet *k, int back) {
    static const char LETTERS[] = "SHADFR";
    session *r = &s->rows[slot];
    u8 f = k->tcp_flags;
    u32 now = 0, fresh;
    if (k->proto == 6 && !(k->marks & MARK_LATER_FRAGMENT)) {
        if (f & SYN) now |= f & ACK ? 2 : 1;
        if (f & RST) now |= 32;
        if (f & FIN) now |= 16;
        if (k->payload_len) now |= 8;
        if ((f & (SYN | FIN | RST | ACK)) == ACK && !k->payload_len) now |= 4;
    } else if (k->proto == 17) {
        now = 8;
    }
    fresh = now & ~(u32)(s->seen[slot] >> (back ? 8 : 0));
    if (!fresh) return;
    s->seen[slot] |= (u16)(now << (back ? 8 : 0));
    for (int i = 0; i < 6; i++)
        if (fresh >> i & 1) r->history[r->history_len++] = (u8)(LETTERS[i] + (back ? 32 : 0));
}

static void count(session *r, const packet *k, int back) {
    half *d = &r->half[back];
    double w = k->wire_len;
    if (d->packets) {
        i64 gap = k->time > d->last ? k->time - d->last : 0; /* out of order counts as no gap */
        double g = (double)gap / 1e9;
        if (d->packets == 1 || gap < d->iat_min) d->iat_min = gap;
        if (gap > d->iat_max) d->iat_max = gap;
        d->iat_sumsq += g * g;
        if (k->time > d->last) d->last = k->time;
        if (k->wire_len < d->len_min) d->len_min = k->wire_len;
        if (k->wire_len > d->len_max) d->len_max = k->wire_len;
        if (k->ttl < d->ttl_min) d->ttl_min = k->ttl;
        if (k->ttl > d->ttl_max) d->ttl_max = k->ttl;
    } else {
        d->first = d->last = k->time;
        d->len_min = d->len_max = k->wire_len;
        d->ttl_min = d->ttl_max = k->ttl;
        d->window = k->tcp_window;
        if (back && k->src_mac >= 0) r->resp_mac = k->src_mac;
        if (!back && k->src_mac >= 0) r->orig_mac = k->src_mac;
    }
    d->packets++;
    d->payload_bytes += k->payload_len;
    d->ip_bytes += k->ip_len;
    d->wire_bytes += k->wire_len;
    d->len_sumsq += w * w;
    d->tcp_flags |= k->tcp_flags;
    d->tcp_options |= k->tcp_options;
    if (!d->mss) d->mss = k->tcp_mss;
    if (k->time > r->end) r->end = k->time;
}

/* Put one IP packet into its session. 0 = out of memory. The caller has left room for one row. */
static ALWAYS_INLINE int sessions_add(sessions *s, packet *k) {
    u64 src_hi = be64(k->src_ip), src_lo = be64(k->src_ip + 8);
    u64 dst_hi = be64(k->dst_ip), dst_lo = be64(k->dst_ip + 8), a_hi, a_lo, b_hi, b_lo, i;
    u32 ports, tag, slot;
    int cls = class_of(k->proto);
    int swapped = src_hi > dst_hi ||
                  (src_hi == dst_hi &&
                   (src_lo > dst_lo || (src_lo == dst_lo && k->src_port > k->dst_port)));
    hot *h;
    if (swapped) {
        a_hi = dst_hi, a_lo = dst_lo, b_hi = src_hi, b_lo = src_lo;
        ports = (u32)k->dst_port << 16 | k->src_port;
    } else {
        a_hi = src_hi, a_lo = src_lo, b_hi = dst_hi, b_lo = dst_lo;
        ports = (u32)k->src_port << 16 | k->dst_port;
    }
    {
        u64 x = fold(a_lo ^ s->seed[0], b_lo ^ s->seed[1]) ^ fold(a_hi ^ s->seed[2], b_hi ^ s->seed[3]);
        tag = (u32)fold(x ^ ((u64)ports << 16 | (u64)k->proto << 8 | k->ip_version), s->seed[1] | 1);
    }
    i = tag & s->mask;
    for (;;) {
        u64 entry = s->table[i];
        if (!entry) break;
        if ((u32)(entry >> 32) == tag) {
            slot = (u32)entry - 1;
            h = &s->hot[slot];
            if (h->a_lo == a_lo && h->b_lo == b_lo && h->a_hi == a_hi && h->b_hi == b_hi &&
                h->ports == ports && h->proto == k->proto && h->version == k->ip_version)
                goto found;
        }
        i = (i + 1) & s->mask;
    }
    if (s->n_open >= s->max_open) evict(s);
    if (!sessions_grow(s)) return 0;
    slot = take_slot(s);
    h = &s->hot[slot];
    h->a_hi = a_hi, h->a_lo = a_lo, h->b_hi = b_hi, h->b_lo = b_lo;
    h->ports = ports, h->proto = k->proto, h->version = k->ip_version, h->tag = tag;
    i = tag & s->mask;
    while (s->table[i]) i = (i + 1) & s->mask;
    s->table[i] = (u64)tag << 32 | (slot + 1);
    s->n_open++;
    if (!queue_push(s, cls, s->clock + s->idle[cls], slot)) return 0;
    begin(s, slot, k, swapped);
    goto counted;
found:
    {
        u8 reason = 0;
        int closed = (h->tcp & TCP_RST) || (h->tcp & (TCP_FIN_A | TCP_FIN_B)) == (TCP_FIN_A | TCP_FIN_B);
        if (s->clock - h->last > s->idle[cls]) reason = END_IDLE;
        else if (s->clock - h->start > s->active[cls]) reason = END_ACTIVE;
        else if (closed && (k->tcp_flags & (SYN | ACK)) == SYN) reason = END_CLOSED;
        if (reason) {
            emit(s, slot, reason);
            begin(s, slot, k, swapped);
        }
    }
counted:
    h->last = s->clock;
    if (k->proto == 6) {
        if (k->tcp_flags & FIN) h->tcp |= swapped ? TCP_FIN_B : TCP_FIN_A;
        if (k->tcp_flags & RST) h->tcp |= TCP_RST;
    }
    k->direction = (u8)(swapped != h->swapped);
    if (s->stats) {
        session *r = &s->rows[slot];
        k->session = r->id;
        note(s, slot, k, k->direction);
        count(r, k, k->direction);
    }
    return 1;
}

#endif
