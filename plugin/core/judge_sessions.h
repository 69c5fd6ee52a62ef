/* What openings and answers come to: scans, guesses, fan-out and beacons, as plugin/ml/behaviour has them. */
#ifndef HALIA_JUDGE_SESSIONS_H
#define HALIA_JUDGE_SESSIONS_H
#include <math.h>

#include "judge.h"

enum { TIMES_JUDGED = 3, PAUSE = 3, WIDER = 3 };

typedef struct {
    i64 *times; /* once there were several */
    union {
        i64 only; /* the one time, where there is but one: most keys */
        i64 since;
    };
    i64 quiet_until;
    u32 count, room;
    i32 port;
    int has_since;
} starts;

static ALWAYS_INLINE item_key item_of_ip(const u8 *ip) {
    item_key k = {{0, 0, 0}};
    memcpy(k.word, ip, 16);
    return k;
}

/* How many other hosts answered at the port of a window, as far back as it reaches. */
static i64 judge_others(const judge *j, const lru_key *port, const windows *of, const window *failed, i64 time) {
    const windows *w = &j->answering;
    const window *v = lru_find(&w->keys, port);
    i64 since = failed->cut ? of->items[failed->oldest - 1].last : time - w->span, n = 0;
    for (u32 at = v ? v->oldest : 0; at; at = w->items[at - 1].after) n += w->items[at - 1].last >= since;
    return n;
}

/* Of many hosts asked at a port, one more that failed. 0 = out of memory. */
static int judge_horizontal(judge *j, const opening *o) {
    const rules *r = &j->r;
    lru_key port = {{(u64)o->mac, o->proto, o->port, o->inside}};
    int down = j->ports[o->port] & PORT_EVERYDAY && j->has_outside && j->outside < o->start && !o->inside;
    windows *of = down ? &j->down : &j->horizontal;
    i64 others;
    window *v;
    told *t;
    v = windows_add(of, &port, o->start, item_of_ip(o->ip));
    if (!v) return 0;
    if (v->count < (down ? DOWN : 1) * r->horizontal.least || o->start < v->quiet_until) return 1;
    others = judge_others(j, &port, of, v, o->start);
    if ((double)others >= r->others * (double)(others + v->count)) return 1;
    v->quiet_until = o->start + r->horizontal.repeat;
    t = judge_tell_window(j, HORIZONTAL, o->start, o->mac, of, v);
    if (!t) return 0;
    t->how = o->proto;
    t->port = o->port;
    t->number[1] = others;
    return 1;
}

/* Who answers at a port, and that outside somebody does. 0 = out of memory. */
static int judge_reached(judge *j, const opening *o) {
    lru_key port = {{(u64)o->mac, o->proto, o->port, o->inside}};
    if (!o->inside) {
        if (o->answer > j->outside) j->outside = o->answer; /* 0 before the first */
        j->has_outside = 1;
    }
    if ((o->proto != 6 && o->proto != 17) || o->refused) return 1;
    return windows_add(&j->answering, &port, o->start, item_of_ip(o->ip)) != NULL;
}

/* The port that was asked; all of a traceroute's or tracepath's are its first (plugin/ml/services.py). */
static ALWAYS_INLINE u64 port_asked(u8 proto, u16 port) {
    if (proto == 17 && port >= 33434 && port <= 33523) return 33434;
    if (proto == 17 && port >= 44444 && port <= 44507) return 44444;
    return port;
}

/* An opening that nobody wanted. 0 = out of memory. */
static int judge_failed(judge *j, const opening *o) {
    const rules *r = &j->r;
    lru_key host = key_of_ip(o->ip, (u64)o->mac, 0);
    item_key item = {{o->proto | port_asked(o->proto, o->port) << 16, 0, 0}};
    window *v;
    told *t;
    int burst = 0;
    if (o->proto != 6 && o->proto != 17) return 1;
    if (!judge_horizontal(j, o)) return 0;
    v = windows_add(&j->vertical, &host, o->start, item);
    if (!v) return 0;
    if (v->count >= r->burst && v->count < r->vertical.least)
        burst = window_bursts(&j->vertical, v, o->start, r->burst, r->burst_within, j->near);
    if ((burst || v->count >= r->vertical.least) && is_due(&v->quiet_until, o->start, r->vertical.repeat)) {
        t = judge_tell_window(j, VERTICAL, o->start, o->mac, &j->vertical, v);
        if (!t) return 0;
        t->how = (u8)burst;
        memcpy(t->ip, o->ip, 16);
    }
    return 1;
}

static void waiting_remove(judge *j, u32 at) {
    u32 before = j->before[at - 1], after = j->after[at - 1];
    if (before) j->after[before - 1] = after;
    else j->first = after;
    if (after) j->before[after - 1] = before;
    else j->last = before;
    j->openings[at - 1].answered &= 1;
    j->waiting--;
}

/* So late it is: what has waited long enough has failed. 0 = out of memory. */
static ALWAYS_INLINE int judge_passed(judge *j, i64 time) {
    if (time > j->now) j->now = time;
    while (j->first) {
        u32 at = j->first;
        if (j->openings[at - 1].start >= j->now - j->r.grace) break;
        waiting_remove(j, at);
        if (!judge_failed(j, j->openings + at - 1)) return 0;
    }
    return 1;
}

static double middle(const double *ordered, u32 n) {
    return n % 2 ? ordered[n / 2] : (ordered[n / 2 - 1] + ordered[n / 2]) / 2;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Enough visits: whether they are regular. Gaps below 2^53 ns (104 days) are exact. 0 = out of memory. */
static int judge_starts(judge *j, const opening *o, starts *s) {
    const rules *r = &j->r;
    u32 n = s->count - 1;
    double *away = malloc(n * sizeof *away), period, spread, last;
    told *t;
    i64 lasted;
    int regular;
    if (!away) return 0;
    for (u32 i = 0; i < n; i++) away[i] = (double)(s->times[i + 1] - s->times[i]);
    last = away[n - 1];
    qsort(away, n, sizeof *away, by_value);
    period = middle(away, n);
    for (u32 i = 0; i < n; i++) away[i] = fabs(away[i] - period);
    qsort(away, n, sizeof *away, by_value);
    spread = middle(away, n);
    regular = spread <= r->jitter * period && away[(u32)ceil(0.75 * n) - 1] <= WIDER * r->jitter * period;
    free(away);
    if (period < r->period || !regular) {
        s->has_since = 0;
        return 1;
    }
    if (last > PAUSE * period) {
        s->has_since = 0;
        s->times[0] = o->start;
        s->count = 1;
        return 1;
    }
    if (!s->has_since) {
        s->has_since = 1;
        s->since = o->start - (i64)nearbyint(fmin((double)r->intervals * period, 0x1p61));
    }
    lasted = o->start - s->since;
    if ((double)lasted < r->lasting || !is_due(&s->quiet_until, o->start, r->beacon_repeat)) return 1;
    t = judge_tell(j, BEACON, o->start, o->mac);
    if (!t) return 0;
    t->number[0] = lasted;
    t->share[0] = spread;
    t->share[1] = period;
    t->port = o->port;
    memcpy(t->ip, o->ip, 16);
    return 1;
}

static void starts_forget_oldest(judge *j) {
    starts *s = lru_oldest(&j->starts);
    free(s->times);
    s->times = NULL;
    lru_remove(&j->starts, s);
}

/* 0 = out of memory. */
static int judge_visit(judge *j, const opening *o) {
    lru_key key = key_of_ip(o->ip, (u64)o->mac, o->proto | (u64)o->port << 16);
    u32 most = (u32)(TIMES_JUDGED * j->r.intervals + 1);
    starts *s;
    i32 port;
    int fresh;
    if ((o->proto != 6 && o->proto != 17) || !o->fresh || j->ports[o->port] & PORT_REGULAR || o->inside) return 1;
    s = lru_touch(&j->starts, &key, &fresh);
    if (!s) return 0;
    if (fresh) s->port = -1;
    if ((i64)j->starts.count > j->r.beacon_tracked) starts_forget_oldest(j);
    if (s->count && (double)(o->start - (s->times ? s->times[s->count - 1] : s->only)) < j->r.merge) return 1;
    port = s->port;
    s->port = o->from;
    if (port == o->from) return 1;
    if (!s->count) {
        s->count = 1;
        s->only = o->start;
        return 1;
    }
    if (s->count == most) {
        memmove(s->times, s->times + 1, (most - 1) * sizeof *s->times);
        s->count--;
    } else if (!s->times || s->count == s->room) {
        u32 room = s->times ? s->room * 2 : 4;
        i64 *times = realloc(s->times, room * sizeof *times);
        if (!times) return 0;
        if (!s->times) times[0] = s->only;
        s->times = times;
        s->room = room;
    }
    s->times[s->count++] = o->start;
    return s->count <= j->r.intervals || judge_starts(j, o, s);
}

static int judge_opened(judge *j, u32 at) {
    opening *o = j->openings + at - 1;
    if (!judge_visit(j, o) || !judge_passed(j, o->start)) return 0;
    j->before[at - 1] = j->last;
    j->after[at - 1] = 0;
    if (j->last) j->after[j->last - 1] = at;
    else j->first = at;
    j->last = at;
    o->answered |= 2; /* it waits */
    j->waiting++;
    if (j->waiting <= j->r.waiting) return 1;
    at = j->first;
    waiting_remove(j, at);
    return judge_failed(j, j->openings + at - 1);
}

static int judge_logged_in(judge *j, const opening *o) {
    const rules *r = &j->r;
    u8 port = j->ports[o->port];
    lru_key key = key_of_ip(o->ip, (u64)o->mac, o->port), mac = {{(u64)o->mac, 0, 0, 0}};
    item_key item = {{(u64)o->id, 0, 0}};
    window *v;
    told *t;
    if (o->refused || o->proto != 6 || !o->fresh) return 1;
    if (port & PORT_LOGIN) {
        v = windows_add(&j->guesses, &key, o->answer, item);
        if (!v) return 0;
        if (v->count >= r->guesses.least && is_due(&v->quiet_until, o->answer, r->guesses.repeat)) {
            t = judge_tell_window(j, BRUTE_FORCE, o->answer, o->mac, &j->guesses, v);
            if (!t) return 0;
            t->port = o->port;
            memcpy(t->ip, o->ip, 16);
        }
    }
    if (port & PORT_ADMIN) {
        v = windows_add(&j->fan_out, &mac, o->answer, item_of_ip(o->ip));
        if (!v) return 0;
        if (v->count >= r->fan_out.least && is_due(&v->quiet_until, o->answer, r->fan_out.repeat)) {
            t = judge_tell_window(j, FAN_OUT, o->answer, o->mac, &j->fan_out, v);
            if (!t) return 0;
            t->port = o->port;
        }
    }
    return 1;
}

static int judge_answered(judge *j, u32 at) {
    opening *o = j->openings + at - 1;
    int waits;
    if (!judge_logged_in(j, o) || !judge_passed(j, o->answer)) return 0;
    waits = o->answered & 2;
    if (waits) waiting_remove(j, at);
    if (!judge_reached(j, o)) return 0;
    return !waits || !(o->refused || o->answer - o->start > j->r.grace) || judge_failed(j, o);
}
#endif
