/* Behaviours of a whole capture, by the detectors of plugin/ml/behaviour: rules, state, and what is found.
 *
 * The detectors in Python judge the stream, and are the reference: whatever the events, the same is found, in
 * the same order. Words are made of what is found by Python, for both.
 */
#ifndef HALIA_JUDGE_H
#define HALIA_JUDGE_H
#include "sliding.h"
#include "windows.h"

enum { HORIZONTAL, VERTICAL, BRUTE_FORCE, FAN_OUT, BEACON, FLOOD, SWEEP, DHCP_FLOOD, AMPLIFICATION, DNS_TUNNEL,
       ICMP_TUNNEL, EXFILTRATION, ARP_SCAN, SPOOFING, CONFLICT, MAC_CONFLICT };
enum { PORT_LOGIN = 1, PORT_ADMIN = 2, PORT_REGULAR = 4, PORT_EVERYDAY = 8 };
enum { DOWN = 2 }; /* plugin/ml/behaviour/scan.py */
enum { FLOOD_SYN, FLOOD_UDP, FLOOD_ICMP, FLOODS };
/* Times between them differ by less than 2^63, windows and all. */
#define JUDGE_TIME_MIN (-((i64)1 << 61))
#define JUDGE_TIME_MAX ((i64)1 << 62)
#define AMOUNT_MAX ((i64)1 << 48)

typedef struct {
    i64 least, span, repeat, tracked; /* times in ns */
} window_rule;

typedef struct {
    i64 slot, parts, repeat, tracked; /* slot in s, repeat in ns */
} sums_rule;

/* plugin/offline/judged.py packs it. */
typedef struct {
    i64 grace, waiting;
    window_rule horizontal, vertical;
    i64 burst, burst_within;
    window_rule guesses, fan_out, sweep, spoofing, mac_conflict, arp_scan;
    i64 silence, arp_grace, arp_answers, arp_waiting;
    i64 intervals, beacon_repeat, beacon_tracked;
    i64 rate[FLOODS], flood_seconds, flood_burst, flood_repeat, flood_tracked;
    sums_rule dhcp, amplification, dns, icmp, exfiltration;
    i64 messages, large_packets, large_bytes, queries, echoes, heavy_bytes, out_bytes;
    double period, lasting, jitter, merge, mac_silence; /* all but jitter in ns */
    double answered, factor, query, answer, differ, ratio, others, flood_answered;
} rules;

typedef struct {
    u64 order; /* of the event that completed it */
    i64 time, number[4];
    double share[2];
    u8 ip[16];
    i32 mac, other, third, port;
    u16 what;
    u8 how, cut;
    u32 shown;
    u8 example[EXAMPLES][16];
} told;

typedef struct {
    i64 start, answer, id;
    u8 ip[16];
    i32 mac;
    u16 from, port;
    u8 proto, answered, refused, fresh, doubtful, inside;
} opening;

_Static_assert(sizeof(told) == 184, "told layout");
_Static_assert(sizeof(rules) == (77 + 13) * 8, "rules layout");

typedef struct {
    rules r;
    const u8 *ports;
    u64 seed[2];
    opening *openings;
    u64 n_openings;
    u32 *before, *after, first, last; /* openings that wait, by number + 1 */
    i64 waiting, now, *near;
    i64 outside; /* when an outside host answered anybody last */
    int has_outside;
    windows horizontal, down, answering, vertical, guesses, fan_out, sweep, claims, disputes, names, askers;
    lru starts, runs, owners, spoke, heard, questions;
    sums_of dhcp, large, dns, pings, out;
    i64 arp_now, claimed, named, flood_second;
    lru_key *full; /* of runs of floods to judge */
    u64 n_full, full_room;
    u64 order; /* of the event that is judged */
    told *found;
    u64 n_found, room;
} judge;

/* A finding to fill in; NULL = out of memory. */
static told *judge_tell(judge *j, int what, i64 time, i32 mac) {
    told *one;
    if (j->n_found == j->room) {
        told *found = realloc(j->found, (j->room + 8) * 2 * sizeof *found);
        if (!found) return NULL;
        j->found = found;
        j->room = (j->room + 8) * 2;
    }
    one = j->found + j->n_found++;
    memset(one, 0, sizeof *one);
    one->order = j->order;
    one->what = (u16)what;
    one->time = time;
    one->mac = mac;
    return one;
}

/* A finding about a window whose items are addresses (or so many bytes of them); NULL = out of memory. */
static told *judge_tell_window(judge *j, int what, i64 time, i32 mac, const windows *w, const window *v) {
    item_key items[EXAMPLES];
    told *one = judge_tell(j, what, time, mac);
    if (!one) return NULL;
    one->number[0] = v->count;
    one->cut = (u8)v->cut;
    one->shown = window_examples(w, v, items);
    for (u32 i = 0; i < one->shown; i++) memcpy(one->example[i], items[i].word, 16);
    return one;
}

/* a >= b, as Python compares them: exactly. */
static ALWAYS_INLINE int reaches(__int128 a, double b) {
    if (b >= 0x1p126) return 0;
    return a >= (__int128)b + ((double)(__int128)b < b);
}

static ALWAYS_INLINE int is_private(const u8 *ip) {
    static const u8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    u8 a = ip[12], b = ip[13];
    if (!memcmp(ip, mapped, 12))
        return a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 169 && b == 254);
    return (ip[0] & 0xFE) == 0xFC || (ip[0] == 0xFE && (ip[1] & 0xC0) == 0x80);
}
#endif
