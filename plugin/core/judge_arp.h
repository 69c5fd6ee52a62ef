/* What ARP comes to: scans, spoofing and conflicts, as plugin/ml/behaviour has them. */
#ifndef HALIA_JUDGE_ARP_H
#define HALIA_JUDGE_ARP_H
#include "judge.h"
#include "watch_object.h"

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_MOST = 1 << 30 };

typedef struct {
    i64 time;
    i32 mac;
    int answered;
} question;

typedef struct {
    window targets; /* an item's `last`: when it was asked for; its `first`: whether it was answered */
    i64 vain;
    u8 (*answered_by)[16];
    u32 answers, room;
} asker;

typedef struct {
    i64 since, last;
    i32 mac, first;
    int is_sure;
} owner;

static int is_nobodys(const u8 *ip) {
    static const u8 none[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, zeros[16];
    return !memcmp(ip, none, 16) || !memcmp(ip, zeros, 16);
}

static void asker_drop(windows *w, asker *a, u32 at) {
    a->vain -= !w->items[at - 1].first;
    item_drop(w, &a->targets, at);
}

static int asker_hears(asker *a, const u8 *target, i64 most) {
    for (u32 i = 0; i < a->answers; i++)
        if (!memcmp(a->answered_by[i], target, 16)) return 1;
    if (a->answers >= most) return 1;
    if (a->answers == a->room) {
        u8(*more)[16] = realloc(a->answered_by, (a->room + 1) * 2 * sizeof *more);
        if (!more) return 0;
        a->answered_by = more;
        a->room = (a->room + 1) * 2;
    }
    memcpy(a->answered_by[a->answers++], target, 16);
    return 1;
}

static void askers_forget_oldest(windows *w) {
    asker *a = lru_oldest(&w->keys);
    free(a->answered_by);
    a->answered_by = NULL;
    windows_forget_oldest(w);
}

static int tell_asker(judge *j, const question *asked, const asker *a, i64 answered) {
    told *t = judge_tell(j, ARP_SCAN, asked->time, asked->mac);
    if (!t) return 0;
    t->number[0] = a->vain;
    t->number[1] = a->targets.count;
    t->number[2] = answered;
    for (u32 at = a->targets.oldest; at && t->shown < EXAMPLES; at = j->askers.items[at - 1].after)
        if (!j->askers.items[at - 1].first) memcpy(t->example[t->shown++], j->askers.items[at - 1].key.word, 16);
    return 1;
}

/* What came of a question. 0 = out of memory. */
static int judge_question(judge *j, const u8 *target, const question *asked) {
    const window_rule *r = &j->r.arp_scan;
    windows *w = &j->askers;
    lru_key key = {{(u64)asked->mac, 0, 0, 0}};
    item_key one = {{0, 0, 0}};
    int fresh;
    asker *a = lru_touch(&w->keys, &key, &fresh);
    item *made;
    i64 before, answered;
    u32 at;
    if (!a) return 0;
    if ((i64)w->keys.count > w->limit) askers_forget_oldest(w);
    before = a->targets.count;
    memcpy(one.word, target, 16);
    at = item_find(w, lru_entry(&w->keys, a), &one);
    if (at) asker_drop(w, a, at);
    made = item_make(w, &a->targets, &one);
    if (!made) return 0;
    made->last = asked->time;
    made->first = (u64)asked->answered;
    a->vain += !asked->answered;
    while (a->targets.oldest) {
        at = a->targets.oldest;
        if (w->items[at - 1].last >= asked->time - r->span && a->targets.count <= w->most) break;
        asker_drop(w, a, at);
    }
    w->held += (i64)a->targets.count - before;
    while (w->held > w->items_max) askers_forget_oldest(w);
    if (asked->answered) return asker_hears(a, target, j->r.arp_answers);
    answered = (i64)a->targets.count - a->vain;
    if (a->vain < r->least || reaches(answered, j->r.answered * (double)a->targets.count) ||
        a->answers < j->r.arp_answers || !is_due(&a->targets.quiet_until, asked->time, r->repeat))
        return 1;
    return tell_asker(j, asked, a, answered);
}

/* Questions that waited long enough, and the oldest where more than so many wait. 0 = out of memory. */
static int judge_settled(judge *j, i64 most) {
    lru *waiting = &j->questions;
    while (waiting->oldest) {
        question *first = lru_oldest(waiting), asked = *first;
        u8 target[16];
        lru_key key;
        i64 *heard;
        if (asked.time + j->r.arp_grace >= j->arp_now && (i64)waiting->count <= most) return 1;
        memcpy(target, lru_key_at(waiting, waiting->oldest)->word + 2, 16);
        lru_remove(waiting, first);
        key = key_of_ip(target, 0, 0);
        heard = lru_find(&j->heard, &key);
        if ((asked.answered || !heard || *heard < asked.time - j->r.arp_scan.span) && !judge_question(j, target, &asked))
            return 0;
    }
    return 1;
}

static lru_key key_of_question(const u8 *asks, const u8 *target) {
    lru_key k = key_of_ip(asks, 0, 0);
    memcpy(k.word + 2, target, 16);
    return k;
}

static int judge_asked(judge *j, const arp_row *a) {
    lru_key key = key_of_ip(a->src_ip, 0, 0);
    int fresh;
    question *asked;
    if (a->src_ip[12] | a->src_ip[13] | a->src_ip[14] | a->src_ip[15]) {
        i64 *heard = lru_touch(&j->heard, &key, &fresh);
        if (!heard) return 0;
        if ((i64)j->heard.count > j->r.arp_scan.tracked) lru_remove(&j->heard, lru_oldest(&j->heard));
        *heard = j->arp_now;
    }
    if (a->operation == ARP_REQUEST && memcmp(a->src_ip, a->dst_ip, 16)) {
        key = key_of_question(a->src_ip, a->dst_ip);
        if (lru_find(&j->questions, &key)) return 1; /* it keeps its place */
        asked = lru_touch(&j->questions, &key, &fresh);
        if (!asked) return 0;
        asked->time = j->arp_now;
        asked->mac = a->mac;
    } else if (a->operation == ARP_REPLY) {
        key = key_of_question(a->dst_ip, a->src_ip);
        asked = lru_find(&j->questions, &key);
        if (asked) asked->answered = 1;
    }
    return 1;
}

/* The time, for questions. 0 = out of memory. */
static int judge_arp_passed(judge *j, i64 time) {
    if (time > j->arp_now) j->arp_now = time;
    return judge_settled(j, ARP_MOST);
}

/* The first of `EXAMPLES` different addresses among claims, which are in order. */
static told *tell_claims(judge *j, int what, i64 time, i32 mac, const windows *w, const window *v) {
    told *t = judge_tell(j, what, time, mac);
    if (!t) return NULL;
    t->number[0] = v->count;
    t->cut = (u8)v->cut;
    for (u32 at = v->oldest; at && t->shown < EXAMPLES; at = w->items[at - 1].after) {
        u32 i = 0;
        while (i < t->shown && memcmp(t->example[i], w->items[at - 1].key.word, 16)) i++;
        if (i == t->shown) memcpy(t->example[t->shown++], w->items[at - 1].key.word, 16);
    }
    return t;
}

static int judge_claimed(judge *j, const arp_row *a, const owner *o) {
    const window_rule *r = &j->r.spoofing;
    windows *w = o->is_sure ? &j->claims : &j->disputes;
    lru_key mac = {{(u64)a->mac, 0, 0, 0}}, ip = key_of_ip(a->src_ip, 0, 0);
    item_key item = {{0, 0, (u64)++j->claimed}};
    window *v;
    told *t;
    memcpy(item.word, a->src_ip, 16);
    v = windows_add(w, o->is_sure ? &mac : &ip, a->time, item);
    if (!v) return 0;
    if (v->count < r->least || !is_due(&v->quiet_until, a->time, r->repeat)) return 1;
    t = tell_claims(j, o->is_sure ? SPOOFING : CONFLICT, a->time, a->mac, w, v);
    if (!t) return 0;
    t->other = o->mac;
    t->third = o->first;
    memcpy(t->ip, a->src_ip, 16);
    return 1;
}

static int judge_owner(judge *j, const arp_row *a) {
    lru_key key = key_of_ip(a->src_ip, 0, 0);
    int fresh;
    owner *o;
    if (is_nobodys(a->src_ip)) return 1;
    o = lru_touch(&j->owners, &key, &fresh);
    if (!o) return 0;
    if ((i64)j->owners.count > j->r.spoofing.tracked) lru_remove(&j->owners, lru_oldest(&j->owners));
    if (fresh) *o = (owner){a->time, a->time, a->arp_sha, a->arp_sha, 1};
    if (o->mac == a->arp_sha) {
        if (a->time > o->last) o->last = a->time;
        return 1;
    }
    if (a->time - o->last > j->r.silence) {
        o->mac = a->arp_sha;
        o->since = o->last = a->time;
        o->is_sure = 0;
        return 1;
    }
    o->is_sure &= a->time - o->since >= j->r.silence;
    return judge_claimed(j, a, o);
}

static int judge_named(judge *j, const arp_row *a) {
    const window_rule *r = &j->r.mac_conflict;
    lru_key key = {{(u64)a->arp_sha, 0, 0, 0}}, mac = {{(u64)a->mac, 0, 0, 0}};
    item_key item = {{0, 0, 0}};
    int fresh;
    window *v;
    told *t;
    i64 *own;
    if (a->mac == a->arp_sha) {
        own = lru_touch(&j->spoke, &key, &fresh);
        if (!own) return 0;
        if ((i64)j->spoke.count > r->tracked) lru_remove(&j->spoke, lru_oldest(&j->spoke));
        if (fresh || a->time > *own) *own = a->time;
        return 1;
    }
    own = lru_find(&j->spoke, &key);
    if (!own || (double)(a->time - *own) > j->r.mac_silence) return 1;
    memcpy(item.word, a->src_ip, 16);
    item.word[2] = (u64)++j->named;
    v = windows_add(&j->names, &mac, a->time, item);
    if (!v) return 0;
    if (v->count < r->least || !is_due(&v->quiet_until, a->time, r->repeat)) return 1;
    t = tell_claims(j, MAC_CONFLICT, a->time, a->mac, &j->names, v);
    if (!t) return 0;
    t->other = a->arp_sha;
    return 1;
}

/* An ARP packet, by its three detectors. 0 = out of memory. */
static int judge_arp(judge *j, const arp_row *a) {
    return judge_arp_passed(j, a->time) && judge_asked(j, a) && judge_settled(j, j->r.arp_waiting) &&
           judge_owner(j, a) && judge_named(j, a);
}

static void judge_used(judge *j, const use_row *u) {
    lru_key key = key_of_ip(u->ip, 0, 0);
    owner *o = lru_find(&j->owners, &key);
    if (!o || o->mac != u->mac) return;
    lru_renew(&j->owners, o);
    if (u->time > o->last) o->last = u->time;
}
#endif
