/* Python's way to the behaviours of a whole capture: its rows in, all events in order of time, findings out.
 *
 * Rows are copied before they are looked at, and refused where they name a MAC that is not there.
 */
#ifndef HALIA_JUDGE_OBJECT_H
#define HALIA_JUDGE_OBJECT_H
#include "judge_arp.h"
#include "judge_seconds.h"
#include "judge_sessions.h"
#include "moments.h"

enum { OPENINGS, ANSWERS, COUNTS, ARPS, USERS, SOURCES };

static ALWAYS_INLINE i64 within(i64 x, i64 least, i64 most) { return x < least ? least : x > most ? most : x; }

static int is_group(const u8 *ip) {
    static const u8 all[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return !memcmp(ip, all, 12) ? ip[12] >> 4 == 0xE || !memcmp(ip, all, 16) : ip[0] == 0xFF;
}

static int is_fresh(const session *s) { return s->proto != 6 || s->history[0] == 'S' || s->history[0] == '^'; }

/* When a device's answers were seen first, from outside and from inside. */
static ALWAYS_INLINE i64 *hears(i64 *since, const opening *o) { return since + 2 * (u64)o->mac + o->inside; }

/* What became of a session's opening: plugin/sessions/afterwards.py's outcome, of those to one receiver. */
static void take_session(judge *j, const session *s, i64 *since) {
    int tcp = s->proto == 6, letter = 0, before = tcp && s->half[0].tcp_flags & ACK;
    opening o = {.start = within(s->start, JUDGE_TIME_MIN, JUDGE_TIME_MAX), .id = s->id};
    for (int i = 0; i < 16 && !letter; i++) letter = s->history[i] >= 'a' ? s->history[i] : 0;
    o.fresh = (u8)is_fresh(s);
    o.doubtful = before && o.fresh && s->history[1] && s->history[1] < 'a';
    before = before && !o.fresh;
    o.refused = tcp && letter == 'r' && !before;
    o.answered = before || s->half[1].packets;
    o.answer = o.start;
    if (s->half[1].packets && !before && s->half[1].first > o.start)
        o.answer = within(s->half[1].first, JUDGE_TIME_MIN, JUDGE_TIME_MAX);
    memcpy(o.ip, s->resp_ip, 16);
    o.inside = (u8)is_private(o.ip);
    o.mac = s->orig_mac;
    o.from = s->orig_port;
    o.port = s->resp_port;
    o.proto = s->proto;
    if (s->half[1].packets && s->half[1].first < *hears(since, &o)) *hears(since, &o) = s->half[1].first;
    j->openings[j->n_openings++] = o;
}

typedef struct {
    Py_buffer sessions, macs, seconds, arp, uses;
    moment *moments[COUNTS + 1];
    u64 n[SOURCES];
    counts second; /* the whole rows of the second that is under way */
    i64 last;
    int has_last, misfit;
} inputs;

/* A MAC that is there; else it is noted. */
static ALWAYS_INLINE int known(inputs *in, i32 mac) {
    if (mac >= 0 && (u64)mac < (u64)in->macs.len / sizeof(mac_row)) return 1;
    in->misfit = 1;
    return 0;
}

/* A session of a device to one receiver. */
static int is_usable(inputs *in, const session *s) {
    const u8 *macs = in->macs.buf;
    if (s->orig_mac == -1 || !known(in, s->orig_mac) || (s->resp_mac != -1 && !known(in, s->resp_mac))) return 0;
    if (s->resp_mac >= 0 && macs[(u64)s->resp_mac * sizeof(mac_row)] & 1) return 0;
    if ((s->proto == 6 || s->proto == 17) && !s->orig_port && !s->resp_port) return 0;
    return !is_group(s->resp_ip);
}

static int inputs_whole(const inputs *in) {
    return (u64)in->sessions.len % sizeof(session) == 0 && (u64)in->seconds.len % sizeof(counted) == 0 &&
           (u64)in->arp.len % sizeof(arp_row) == 0 && (u64)in->uses.len % sizeof(use_row) == 0 &&
           (u64)in->macs.len % sizeof(mac_row) == 0 && (u64)in->sessions.len / sizeof(session) < UINT32_MAX / 8 &&
           (u64)in->seconds.len / sizeof(counted) < UINT32_MAX / 8;
}

/* Counts in order of time. 0 = out of memory. */
static int take_seconds(inputs *in) {
    const u8 *rows = in->seconds.buf;
    u64 n = in->n[COUNTS] = (u64)in->seconds.len / sizeof(counted);
    moment *moments = in->moments[COUNTS] = malloc((n + 1) * sizeof *moments);
    if (!moments) return 0;
    for (u32 i = 0; i < n; i++) {
        i64 second;
        memcpy(&second, rows + i * sizeof(counted), sizeof second);
        moments[i] = (moment){within(second, JUDGE_TIME_MIN / A_SECOND, JUDGE_TIME_MAX / A_SECOND) * A_SECOND, i};
    }
    return sort_moments(moments, n);
}

static u64 second_end(const inputs *in, u64 begin) {
    u64 end = begin;
    while (end < in->n[COUNTS] && in->moments[COUNTS][end].time == in->moments[COUNTS][begin].time) end++;
    return end;
}

static void take_count(const inputs *in, u64 at, counted *row) {
    memcpy(row, (const u8 *)in->seconds.buf + in->moments[COUNTS][at].row * sizeof *row, sizeof *row);
}

/* The next second whole: its rows may stand there in parts. 0 = out of memory. */
static int take_second(inputs *in, u64 begin, u64 end) {
    if (!counts_begin(&in->second, (end - begin) / 2 + 1)) return 0;
    for (u64 i = begin; i < end; i++) {
        counted row, *to;
        take_count(in, i, &row);
        if (!known(in, row.mac)) continue;
        if (row.kind < 0 || row.kind > KIND_UNASKED) in->misfit = 1;
        to = count_row(&in->second, in->moments[COUNTS][i].time / A_SECOND, row.mac, row.kind, row.ip);
        for (int k = 0; k < AMOUNTS; k++)
            to->amounts[k] = within(to->amounts[k] + within(row.amounts[k], 0, AMOUNT_MAX), 0, AMOUNT_MAX);
    }
    return 1;
}

/* Loads between inside addresses are no events. */
static ALWAYS_INLINE int is_event(const counted *c) { return c->kind != KIND_LOAD || !is_private(c->ip); }

/* Everything in order of time. 0 = out of memory. */
static int take_inputs(judge *j, inputs *in) {
    const u8 *rows = in->sessions.buf;
    u64 n = (u64)in->sessions.len / sizeof(session), macs = (u64)in->macs.len / sizeof(mac_row);
    i64 *since = malloc((2 * macs + 1) * sizeof *since);
    session s;
    j->openings = malloc((n + 1) * sizeof *j->openings);
    if (!since || !j->openings || !take_seconds(in)) {
        free(since);
        return 0;
    }
    for (u64 i = 0; i < 2 * macs; i++) since[i] = INT64_MAX;
    for (u64 i = 0; i < n; i++) {
        memcpy(&s, rows + i * sizeof s, sizeof s);
        if (is_usable(in, &s)) take_session(j, &s, since);
    }
    n = j->n_openings;
    for (u64 i = 0; i < n; i++) { /* acknowledgements of those whose answers cannot be seen are believed */
        opening *o = j->openings + i;
        i64 outside = since[2 * (u64)o->mac], first = *hears(since, o);
        if (!o->doubtful || (outside < first ? outside : first) <= o->start) continue;
        o->answered = 1;
        o->refused = 0;
        o->answer = o->start;
    }
    free(since);
    j->before = malloc((n + 1) * sizeof *j->before);
    j->after = malloc((n + 1) * sizeof *j->after);
    j->near = malloc((n + 1 < (u64)j->r.vertical.least ? n + 1 : (u64)j->r.vertical.least) * sizeof *j->near);
    in->n[ARPS] = (u64)in->arp.len / sizeof(arp_row);
    in->n[USERS] = (u64)in->uses.len / sizeof(use_row);
    in->n[OPENINGS] = n;
    in->moments[OPENINGS] = malloc((n + 1) * sizeof(moment));
    in->moments[ANSWERS] = malloc((n + 1) * sizeof(moment));
    if (!j->before || !j->after || !j->near || !in->moments[OPENINGS] || !in->moments[ANSWERS]) return 0;
    for (u32 i = 0; i < n; i++) {
        in->moments[OPENINGS][i] = (moment){j->openings[i].start, i};
        if (j->openings[i].answered) in->moments[ANSWERS][in->n[ANSWERS]++] = (moment){j->openings[i].answer, i};
    }
    return sort_moments(in->moments[OPENINGS], n) && sort_moments(in->moments[ANSWERS], in->n[ANSWERS]);
}

static ALWAYS_INLINE i64 time_of(const inputs *in, int source, u64 at) {
    i64 time;
    if (at >= in->n[source]) return INT64_MAX;
    if (source <= COUNTS) return in->moments[source][at].time;
    if (source == ARPS) memcpy(&time, (const u8 *)in->arp.buf + at * sizeof(arp_row), sizeof time);
    else memcpy(&time, (const u8 *)in->uses.buf + at * sizeof(use_row), sizeof time);
    return within(time, JUDGE_TIME_MIN, JUDGE_TIME_MAX);
}

/* Two passes over the same events: what only one needs stays near. Of one event, packets' findings come first. */
enum { OF_PACKETS, OF_SESSIONS, PASSES };

/* A second's counts, which are one step. 0 = out of memory. */
static int judge_second(judge *j, inputs *in, u64 begin, u64 end) {
    u64 step = j->order, events = 0;
    if (!take_second(in, begin, end)) return 0;
    for (u64 i = 0; i < in->second.n && !in->misfit; i++) {
        if (!is_event(in->second.rows + i)) continue;
        j->order = step + 2 * events++;
        if (!judge_count(j, in->second.rows + i)) return 0;
    }
    return 1;
}

/* To sessions they tell what time it is: the first of them, after what it itself came to. */
static int judge_second_passed(judge *j, inputs *in, u64 begin, u64 end) {
    counted c;
    for (u64 i = begin; j->waiting && i < end; i++) {
        take_count(in, i, &c);
        if (!is_event(&c)) continue;
        j->order++;
        return judge_passed(j, in->moments[COUNTS][i].time);
    }
    return 1;
}

/* One step. 0 = out of memory. */
static int judge_step(judge *j, inputs *in, int pass, int source, u64 at, i64 time) {
    arp_row a;
    use_row u;
    if (source != OPENINGS && source != ANSWERS && pass == OF_SESSIONS) return judge_passed(j, time);
    switch (source) {
    case OPENINGS:
        return pass == OF_PACKETS || judge_opened(j, in->moments[source][at].row + 1);
    case ANSWERS:
        return pass == OF_PACKETS || judge_answered(j, in->moments[source][at].row + 1);
    case ARPS:
        memcpy(&a, (const u8 *)in->arp.buf + at * sizeof a, sizeof a);
        a.time = time;
        return !known(in, a.mac) || !known(in, a.arp_sha) || judge_arp(j, &a);
    default:
        memcpy(&u, (const u8 *)in->uses.buf + at * sizeof u, sizeof u);
        u.time = time;
        judge_used(j, &u);
        return 1;
    }
}

/* All events, of one time in the order of their sources. 0 = out of memory. */
static int judge_all(judge *j, inputs *in, int pass) {
    u64 at[SOURCES] = {0}, step = 0;
    i64 next[SOURCES];
    for (int s = 0; s < SOURCES; s++) next[s] = time_of(in, s, 0);
    for (; !in->misfit; step++) {
        int first = 0, done;
        for (int s = 1; s < SOURCES; s++)
            if (next[s] < next[first]) first = s;
        if (next[first] == INT64_MAX) break;
        j->order = step << 32;
        if (first == COUNTS) {
            u64 begin = at[COUNTS];
            at[COUNTS] = second_end(in, begin);
            done = (pass == OF_PACKETS ? judge_second : judge_second_passed)(j, in, begin, at[COUNTS]);
        } else {
            done = judge_step(j, in, pass, first, at[first]++, next[first]);
        }
        if (!done) return 0;
        next[first] = time_of(in, first, at[first]);
    }
    j->order = step << 32;
    if (!in->has_last) return 1;
    if (pass == OF_SESSIONS) return judge_passed(j, in->last);
    return judge_arp_passed(j, in->last) && judge_floods(j);
}

/* The findings of both passes, in order. */
static PyObject *judge_found(const judge *j, u64 of_packets) {
    PyObject *found = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(j->n_found * sizeof *j->found));
    u8 *to = found ? (u8 *)PyBytes_AsString(found) : NULL;
    u64 a = 0, b = of_packets;
    while (to && (a < of_packets || b < j->n_found)) {
        int first = b == j->n_found || (a < of_packets && j->found[a].order <= j->found[b].order);
        memcpy(to, j->found + (first ? a++ : b++), sizeof *j->found);
        to += sizeof *j->found;
    }
    return found;
}

static int rules_fit(const rules *r) {
    const window_rule *w[] = {&r->horizontal, &r->vertical, &r->guesses,      &r->fan_out,
                              &r->sweep,      &r->spoofing, &r->mac_conflict, &r->arp_scan};
    const sums_rule *s[] = {&r->dhcp, &r->amplification, &r->dns, &r->icmp, &r->exfiltration};
    const i64 few[] = {r->intervals, r->beacon_tracked, r->flood_tracked, r->burst};
    const i64 *all = (const i64 *)r;
    const i64 count_max = (i64)1 << 31;
    for (size_t i = 0; i < offsetof(rules, period) / sizeof *all; i++)
        if (all[i] < 0 || all[i] > (i64)1 << 60) return 0;
    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        if (w[i]->least < 1 || w[i]->least > count_max || w[i]->tracked < 1 || w[i]->tracked > count_max) return 0;
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        if (s[i]->slot < 1 || s[i]->parts < 1 || s[i]->parts >= PARTS_MAX / 2 || s[i]->tracked < 1 ||
            s[i]->tracked > count_max)
            return 0;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++)
        if (few[i] < 1 || few[i] > (i64)1 << 30) return 0;
    for (int i = 0; i < FLOODS; i++)
        if (r->rate[i] > count_max) return 0;
    for (const double *x = &r->period; x <= &r->flood_answered; x++)
        if (!(*x >= 0 && *x < 1e30)) return 0;
    return r->flood_burst <= (i64)1 << 31;
}

static int judge_window(judge *j, windows *w, const window_rule *r) {
    i64 most = TIMES_KEPT * r->least;
    return windows_init(w, sizeof(window), r->span, most < LEAST_KEPT ? LEAST_KEPT : most, r->tracked, j->seed);
}

static int judge_sums(judge *j, sums_of *s, const sums_rule *r) {
    return sums_init(s, r->slot, r->parts, r->tracked, j->seed);
}

static int judge_init(judge *j) {
    const rules *r = &j->r;
    j->claimed = j->named = 0;
    j->flood_second = -1;
    return judge_window(j, &j->horizontal, &r->horizontal) && judge_window(j, &j->down, &r->horizontal) &&
           judge_window(j, &j->answering, &r->horizontal) &&
           judge_window(j, &j->vertical, &r->vertical) &&
           judge_window(j, &j->guesses, &r->guesses) && judge_window(j, &j->fan_out, &r->fan_out) &&
           judge_window(j, &j->sweep, &r->sweep) && judge_window(j, &j->claims, &r->spoofing) &&
           judge_window(j, &j->disputes, &r->spoofing) && judge_window(j, &j->names, &r->mac_conflict) &&
           windows_init(&j->askers, sizeof(asker), r->arp_scan.span, TIMES_KEPT * r->arp_scan.least,
                        r->arp_scan.tracked, j->seed) &&
           judge_sums(j, &j->dhcp, &r->dhcp) && judge_sums(j, &j->large, &r->amplification) &&
           judge_sums(j, &j->dns, &r->dns) && judge_sums(j, &j->pings, &r->icmp) &&
           judge_sums(j, &j->out, &r->exfiltration) && lru_init(&j->starts, sizeof(starts), j->seed) &&
           lru_init(&j->runs, sizeof(flood_run), j->seed) && lru_init(&j->owners, sizeof(owner), j->seed) &&
           lru_init(&j->spoke, sizeof(i64), j->seed) && lru_init(&j->heard, sizeof(i64), j->seed) &&
           lru_init(&j->questions, sizeof(question), j->seed);
}

static void judge_free(judge *j) {
    windows *w[] = {&j->horizontal, &j->down,      &j->answering, &j->vertical, &j->guesses, &j->fan_out,
                    &j->sweep,      &j->claims,    &j->disputes, &j->names,   &j->askers};
    sums_of *s[] = {&j->dhcp, &j->large, &j->dns, &j->pings, &j->out};
    lru *l[] = {&j->starts, &j->runs, &j->owners, &j->spoke, &j->heard, &j->questions};
    while (j->starts.oldest) starts_forget_oldest(j);
    while (j->askers.keys.oldest) askers_forget_oldest(&j->askers);
    for (size_t i = 0; i < sizeof w / sizeof *w; i++) windows_free(w[i]);
    for (size_t i = 0; i < sizeof s / sizeof *s; i++) sums_free(s[i]);
    for (size_t i = 0; i < sizeof l / sizeof *l; i++) lru_free(l[i]);
    free(j->openings);
    free(j->before);
    free(j->after);
    free(j->near);
    free(j->full);
    free(j->found);
}

/* Python's way to it: bytes of findings, in order of the events that completed them. */
static PyObject *judge_capture(PyObject *module, PyObject *args) {
    Py_buffer ports, packed, seed;
    PyObject *found = NULL, *last;
    inputs in = {0};
    judge j = {0};
    u64 of_packets = 0;
    int done = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "(y*y*y*y*y*)Oy*y*y*:behaviours", &in.sessions, &in.macs, &in.seconds, &in.arp,
                          &in.uses, &last, &ports, &packed, &seed))
        return NULL;
    in.has_last = last != Py_None;
    in.last = in.has_last ? within(PyLong_AsLongLong(last), JUDGE_TIME_MIN, JUDGE_TIME_MAX) : 0;
    if (!PyErr_Occurred()) {
        if (packed.len == sizeof j.r) memcpy(&j.r, packed.buf, sizeof j.r);
        in.misfit = ports.len != PORTS || packed.len != sizeof j.r || seed.len != sizeof j.seed ||
                    !rules_fit(&j.r) || !inputs_whole(&in);
        if (!in.misfit) {
            j.ports = ports.buf;
            memcpy(j.seed, seed.buf, sizeof j.seed);
            memcpy(in.second.seed, seed.buf, sizeof in.second.seed);
            Py_BEGIN_ALLOW_THREADS
            done = judge_init(&j) && take_inputs(&j, &in) && judge_all(&j, &in, OF_PACKETS);
            of_packets = j.n_found;
            done = done && judge_all(&j, &in, OF_SESSIONS);
            Py_END_ALLOW_THREADS
        }
        if (in.misfit)
            PyErr_SetString(PyExc_ValueError,
                            "behaviours: whole rows that fit each other, ports, rules and 16 bytes of seed");
        else if (done)
            found = judge_found(&j, of_packets);
        else
            PyErr_NoMemory();
        judge_free(&j);
        counts_free(&in.second);
        for (int s = 0; s <= COUNTS; s++) free(in.moments[s]);
    }
    PyBuffer_Release(&in.sessions);
    PyBuffer_Release(&in.macs);
    PyBuffer_Release(&in.seconds);
    PyBuffer_Release(&in.arp);
    PyBuffer_Release(&in.uses);
    PyBuffer_Release(&ports);
    PyBuffer_Release(&packed);
    PyBuffer_Release(&seed);
    return found;
}
#endif
