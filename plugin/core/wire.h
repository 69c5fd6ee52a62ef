/* Bytes, hashing and the C twins of the records in layout.py. */
#ifndef HALIA_WIRE_H
#define HALIA_WIRE_H
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PREFETCH(p) __builtin_prefetch(p)
#else
#define ALWAYS_INLINE inline
#define PREFETCH(p) ((void)0)
#endif

static ALWAYS_INLINE u16 be16(const u8 *p) { return (u16)((p[0] << 8) | p[1]); }
static ALWAYS_INLINE u32 be32(const u8 *p) {
    return ((u32)p[0] << 24) | ((u32)p[1] << 16) | ((u32)p[2] << 8) | p[3];
}
static ALWAYS_INLINE u64 be64(const u8 *p) {
    return (u64)p[0] << 56 | (u64)p[1] << 48 | (u64)p[2] << 40 | (u64)p[3] << 32 | (u64)p[4] << 24 |
           (u64)p[5] << 16 | (u64)p[6] << 8 | p[7];
}
static ALWAYS_INLINE u16 le16(const u8 *p) { return (u16)(p[0] | (p[1] << 8)); }
static ALWAYS_INLINE u32 le32(const u8 *p) {
    return p[0] | ((u32)p[1] << 8) | ((u32)p[2] << 16) | ((u32)p[3] << 24);
}
static ALWAYS_INLINE u16 rd16(const u8 *p, int big) { return big ? be16(p) : le16(p); }
static ALWAYS_INLINE u32 rd32(const u8 *p, int big) { return big ? be32(p) : le32(p); }

/* 64 x 64 -> 128 bit multiply, folded: the mixing step of wyhash. The seeds are secret, so that
 * who sends the packets cannot choose keys that collide. */
static ALWAYS_INLINE u64 fold(u64 a, u64 b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (u64)m ^ (u64)(m >> 64);
}

#define WIRE_LEN_MAX 65550u
#define CAPTURED_MAX 262144u /* libpcap's and tshark's limit for one packet */

typedef struct {
    i64 time, session;
    u32 wire_len, ip_len, payload_len;
    i32 src_mac, dst_mac, arp_sha, arp_tha;
    i16 vlan, inner_vlan;
    u16 ethertype, src_port, dst_port, ip_id, frag, tcp_window, tcp_mss, arp_op;
    u8 src_ip[16], dst_ip[16];
    u32 tcp_seq, tcp_ack, tcp_tsval;
    u8 proto, ip_version, direction, tcp_flags, ttl, tos, l4_header_len, tcp_wscale;
    u8 icmp_type, icmp_code, marks, tcp_options;
    u16 layers, interface;
    u32 header_len;
} packet;

typedef struct {
    u64 packets, payload_bytes, ip_bytes, wire_bytes;
    i64 first, last, iat_min, iat_max;
    double iat_sumsq, len_sumsq;
    u32 len_min, len_max;
    u16 window, mss;
    u8 ttl_min, ttl_max, tcp_flags, tcp_options;
} half;

typedef struct {
    i64 id, start, end;
    u8 orig_ip[16], resp_ip[16];
    u16 orig_port, resp_port;
    u8 proto, ip_version, end_reason, icmp_type, icmp_code, history_len;
    i16 vlan, inner_vlan;
    u16 reserved;
    i32 orig_mac, resp_mac;
    u8 history[16];
    half half[2];
} session;

typedef struct {
    u8 mac[6];
    u16 reserved;
    u64 tx_packets, rx_packets, tx_bytes, rx_bytes;
    i64 first, last;
} mac_row;

_Static_assert(sizeof(packet) == 128, "packet layout");
_Static_assert(sizeof(half) == 96, "half layout");
_Static_assert(sizeof(session) == 288, "session layout");
_Static_assert(sizeof(mac_row) == 56, "mac layout");

enum { MARK_BROADCAST = 1, MARK_MULTICAST = 2, MARK_FRAGMENT = 4, MARK_LATER_FRAGMENT = 8,
       MARK_TRUNCATED = 16, MARK_NO_TIME = 32, MARK_IP_MULTICAST = 64 };
enum { LAYER_VLAN = 1, LAYER_QINQ = 2, LAYER_MPLS = 4, LAYER_PPPOE = 8, LAYER_LLC = 16,
       LAYER_PBB = 32, LAYER_IPV6_EXT = 64 };
enum { OPT_MSS = 1, OPT_WSCALE = 2, OPT_SACK_OK = 4, OPT_SACK = 8, OPT_TIMESTAMP = 16,
       OPT_NOP = 32, OPT_EOL = 64, OPT_OTHER = 128 };
enum { END_OPEN, END_IDLE, END_ACTIVE, END_CLOSED, END_CLOCK, END_EVICTED };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

#endif
