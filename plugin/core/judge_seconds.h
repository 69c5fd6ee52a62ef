/* What counts by the second come to: floods, sweeps, tunnels, volumes, as plugin/ml/behaviour has them. */
#ifndef HALIA_JUDGE_SECONDS_H
#define HALIA_JUDGE_SECONDS_H
#include "judge.h"

typedef struct {
    i64 second, packets, back, length, quiet_until;
    int told, full; /* full: at the rate, and not judged since */
} flood_run;

/* What a second at the rate comes to. 0 = out of memory. */
static int judge_run(judge *j, const lru_key *key, flood_run *v) {
    const rules *r = &j->r;
    int flood = (int)key->word[3];
    int answered = flood == FLOOD_UDP && reaches(v->back, r->flood_answered * (double)v->packets);
    told *t;
    v->full = 0;
    if (answered) v->length -= v->told;
    else v->length += !v->told;
    v->told = !answered;
    if (answered || (v->length < r->flood_seconds && v->packets < r->flood_burst * r->rate[flood]) ||
        !is_due(&v->quiet_until, v->second * A_SECOND, r->flood_repeat))
        return 1;
    t = judge_tell(j, FLOOD, v->second * A_SECOND, (i32)key->word[2]);
    if (!t) return 0;
    t->how = (u8)flood;
    t->number[0] = v->packets;
    t->number[1] = v->length;
    memcpy(t->ip, key->word, 16);
    return 1;
}

/* A second is over, or time passes: what was told of it is judged. 0 = out of memory. */
static int judge_floods(judge *j) {
    for (u64 i = 0; i < j->n_full; i++) {
        flood_run *v = lru_find(&j->runs, j->full + i);
        if (v && v->full && !judge_run(j, j->full + i, v)) return 0;
    }
    j->n_full = 0;
    return 1;
}

static int judge_flood(judge *j, const counted *c, int flood) {
    lru_key key = key_of_ip(c->ip, (u64)c->mac, (u64)flood);
    int fresh;
    flood_run *v;
    if (c->second > j->flood_second) {
        if (!judge_floods(j)) return 0;
        j->flood_second = c->second;
    }
    if (!c->amounts[THERE] && flood != FLOOD_UDP) return 1;
    v = lru_touch(&j->runs, &key, &fresh);
    if (!v) return 0;
    if (fresh) v->second = -1;
    if ((i64)j->runs.count > j->r.flood_tracked) lru_remove(&j->runs, lru_oldest(&j->runs));
    if (c->second < v->second) return 1;
    if (c->second > v->second) {
        if (!v->told || c->second != v->second + 1) v->length = 0;
        v->second = c->second;
        v->packets = v->back = 0;
        v->told = v->full = 0;
    }
    v->packets = (i64)((u64)v->packets + (u64)c->amounts[THERE]);
    v->back = (i64)((u64)v->back + (u64)c->amounts[BACK]);
    if (v->packets < j->r.rate[flood] || v->full) return 1;
    if (j->n_full == j->full_room) {
        lru_key *full = realloc(j->full, (j->full_room + 8) * 2 * sizeof *full);
        if (!full) return 0;
        j->full = full;
        j->full_room = (j->full_room + 8) * 2;
    }
    v->full = 1;
    j->full[j->n_full++] = key;
    return 1;
}

static int judge_sweep(judge *j, const counted *c) {
    lru_key key = {{(u64)c->mac, 0, 0, 0}};
    i64 time = c->second * A_SECOND;
    item_key item = {{0, 0, 0}};
    window *v;
    if (!c->amounts[THERE]) return 1;
    memcpy(item.word, c->ip, 16);
    v = windows_add(&j->sweep, &key, time, item);
    if (!v) return 0;
    if (v->count < j->r.sweep.least || !is_due(&v->quiet_until, time, j->r.sweep.repeat)) return 1;
    return judge_tell_window(j, SWEEP, time, c->mac, &j->sweep, v) != NULL;
}

static int tell_sums(judge *j, int what, const counted *c, const sums *v, int how) {
    told *t = judge_tell(j, what, c->second * A_SECOND, c->mac);
    if (!t) return 0;
    t->how = (u8)how;
    memcpy(t->number, v->amounts, sizeof t->number);
    memcpy(t->ip, c->ip, 16);
    return 1;
}

static int judge_dhcp(judge *j, const counted *c) {
    lru_key key = {{(u64)c->mac, 0, 0, 0}};
    sums *v = sums_add(&j->dhcp, &key, c);
    if (!v) return 0;
    if (v->amounts[THERE] < j->r.messages || !is_due(&v->quiet_until, c->second * A_SECOND, j->r.dhcp.repeat)) return 1;
    return tell_sums(j, DHCP_FLOOD, c, v, 0);
}

static int judge_large(judge *j, const counted *c) {
    const rules *r = &j->r;
    int unasked = c->kind == KIND_UNASKED;
    lru_key key = key_of_ip(c->ip, (u64)c->mac, (u64)unasked);
    sums *v;
    const i64 *a;
    if (!unasked && is_private(c->ip)) return 1;
    v = sums_add(&j->large, &key, c);
    if (!v) return 0;
    a = v->amounts;
    if (a[THERE] < r->large_packets || a[THERE_BYTES] < r->large_bytes ||
        !reaches(a[THERE_BYTES], r->factor * (double)a[BACK_BYTES]) ||
        (unasked && !reaches(a[THERE], r->factor * (double)a[BACK])) ||
        !is_due(&v->quiet_until, c->second * A_SECOND, r->amplification.repeat))
        return 1;
    return tell_sums(j, AMPLIFICATION, c, v, unasked);
}

static int judge_dns(judge *j, const counted *c) {
    const rules *r = &j->r;
    lru_key key = key_of_ip(c->ip, (u64)c->mac, 0);
    sums *v = sums_add(&j->dns, &key, c);
    const i64 *a;
    int is_long, large;
    if (!v) return 0;
    a = v->amounts;
    is_long = a[THERE] >= r->queries && reaches(a[THERE_BYTES], r->query * (double)a[THERE]);
    large = a[BACK] >= r->queries && reaches(a[BACK_BYTES], r->answer * (double)a[BACK]);
    if ((!is_long && !large) || !is_due(&v->quiet_until, c->second * A_SECOND, r->dns.repeat)) return 1;
    return tell_sums(j, DNS_TUNNEL, c, v, is_long);
}

static int judge_pings(judge *j, const counted *c) {
    const rules *r = &j->r;
    lru_key key = key_of_ip(c->ip, (u64)c->mac, 0);
    sums *v = sums_add(&j->pings, &key, c);
    __int128 apart;
    const i64 *a;
    int unlike;
    if (!v) return 0;
    a = v->amounts;
    apart = (__int128)a[THERE_BYTES] * a[BACK] - (__int128)a[BACK_BYTES] * a[THERE];
    unlike = a[THERE] >= r->echoes && a[BACK] >= r->echoes &&
             reaches(apart < 0 ? -apart : apart, r->differ * (double)a[THERE] * (double)a[BACK]);
    if ((!unlike && a[THERE_BYTES] + a[BACK_BYTES] < r->heavy_bytes) ||
        !is_due(&v->quiet_until, c->second * A_SECOND, r->icmp.repeat))
        return 1;
    return tell_sums(j, ICMP_TUNNEL, c, v, unlike);
}

static int judge_out(judge *j, const counted *c) {
    const rules *r = &j->r;
    lru_key key = key_of_ip(c->ip, (u64)c->mac, 0);
    sums *v;
    if (is_private(c->ip)) return 1;
    v = sums_add(&j->out, &key, c);
    if (!v) return 0;
    if (v->amounts[THERE_BYTES] < r->out_bytes ||
        !reaches(v->amounts[THERE_BYTES], r->ratio * (double)v->amounts[BACK_BYTES]) ||
        !is_due(&v->quiet_until, c->second * A_SECOND, r->exfiltration.repeat))
        return 1;
    return tell_sums(j, EXFILTRATION, c, v, 0);
}

/* A second's count, by the detectors of its kind, in their order. 0 = out of memory. */
static int judge_count(judge *j, const counted *c) {
    switch (c->kind) {
    case KIND_SYN:
        return judge_flood(j, c, FLOOD_SYN);
    case KIND_UDP:
        return judge_flood(j, c, FLOOD_UDP) && judge_out(j, c);
    case KIND_ICMP:
        return judge_flood(j, c, FLOOD_ICMP) && judge_sweep(j, c) && judge_pings(j, c) && judge_out(j, c);
    case KIND_DNS:
        return judge_flood(j, c, FLOOD_UDP) && judge_dns(j, c) && judge_out(j, c);
    case KIND_DHCP:
        return judge_dhcp(j, c);
    case KIND_SERVED:
        return judge_large(j, c);
    case KIND_UNASKED:
        return judge_flood(j, c, FLOOD_UDP) && judge_large(j, c);
    default:
        return judge_out(j, c);
    }
}
#endif
