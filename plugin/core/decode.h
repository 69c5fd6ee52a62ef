/* One frame -> one packet record. Every read is bounded by the captured end. */
#ifndef HALIA_DECODE_H
#define HALIA_DECODE_H
#include "macs.h"

static const packet PACKET_NONE = {
    .session = -1, .src_mac = -1, .dst_mac = -1, .arp_sha = -1, .arp_tha = -1, .vlan = -1,
    .inner_vlan = -1, .direction = 255, .tcp_wscale = 255,
};

/* What is still to be parsed: [q, e) of the frame that starts at p. */
typedef struct {
    const u8 *p, *q, *e;
    u32 et; /* EtherType of what stands at q, 0 = nothing we know */
} cursor;

static ALWAYS_INLINE void link_addresses(mac_table *m, const u8 *dst, const u8 *src, packet *k) {
    if (dst) {
        k->dst_mac = macs_id(m, dst);
        if (dst[0] & 1)
            k->marks |= (be32(dst) == 0xffffffffu && be16(dst + 4) == 0xffff) ? MARK_BROADCAST
                                                                             : MARK_MULTICAST;
    }
    k->src_mac = macs_id(m, src);
}

static ALWAYS_INLINE u32 by_nibble(const u8 *q, const u8 *e) {
    if (q >= e) return 0;
    return (*q >> 4) == 4 ? 0x0800 : (*q >> 4) == 6 ? 0x86dd : 0;
}

/* PPP protocol field, compressed (one odd byte) or not. */
static u32 ppp(cursor *c, packet *k) {
    u32 proto;
    if (c->q < c->e && (*c->q & 1)) {
        proto = *c->q++;
    } else if (c->e - c->q >= 2) {
        proto = be16(c->q);
        c->q += 2;
    } else {
        k->marks |= MARK_TRUNCATED;
        return 0;
    }
    return proto == 0x21 ? 0x0800 : proto == 0x57 ? 0x86dd : proto == 0x281 ? 0x8847 : 0;
}

/* IEEE 802.2: an EtherType only behind SNAP with OUI 0, or the IP service access point. */
static u32 llc(cursor *c, packet *k) {
    const u8 *q = c->q;
    k->layers |= LAYER_LLC;
    if (c->e - q >= 8 && q[0] == 0xaa && q[1] == 0xaa && q[2] == 3 && !q[3] && !q[4] && !q[5]) {
        c->q += 8;
        return be16(q + 6);
    }
    if (c->e - q >= 3 && q[0] == 6 && q[1] == 6 && q[2] == 3) {
        c->q += 3;
        return 0x0800;
    }
    return 0;
}

/* Address, control, EtherType; but 0x8035 is not RARP here, it is Cisco's keep-alive (SLARP). */
static int cisco_hdlc(cursor *c) {
    if (c->e - c->q < 4) return 0;
    c->et = be16(c->q + 2);
    if (c->et == 0x8035) c->et = 0;
    c->q += 4;
    return 1;
}

static ALWAYS_INLINE int link_layer(cursor *c, int link, mac_table *m, packet *k) {
    const u8 *q = c->q;
    ptrdiff_t n = c->e - q;
    switch (link) {
    case 1: /* Ethernet */
        if (n < 14) return 0;
        link_addresses(m, q, q + 6, k);
        c->et = be16(q + 12);
        c->q += 14;
        if (c->et <= 1500) c->et = llc(c, k);
        return 1;
    case 113: /* Linux cooked capture */
        if (n < 16) return 0;
        if (be16(q + 4) == 6) k->src_mac = macs_id(m, q + 6);
        k->marks |= be16(q) == 1 ? MARK_BROADCAST : be16(q) == 2 ? MARK_MULTICAST : 0;
        c->et = be16(q + 14);
        c->q += 16;
        if (c->et == 4) c->et = llc(c, k);
        return 1;
    case 276: /* Linux cooked capture v2 */
        if (n < 20) return 0;
        if (q[11] == 6) k->src_mac = macs_id(m, q + 12);
        k->marks |= q[10] == 1 ? MARK_BROADCAST : q[10] == 2 ? MARK_MULTICAST : 0;
        c->et = be16(q);
        c->q += 20;
        if (c->et == 4) c->et = llc(c, k);
        return 1;
    case 12: case 14: case 101: /* raw IP: 12 and 14 are BSD's numbers for it */
        c->et = by_nibble(q, c->e);
        return n > 0;
    case 228:
        c->et = 0x0800;
        return 1;
    case 229:
        c->et = 0x86dd;
        return 1;
    case 0: case 108: /* BSD loopback: the family's value differs by system, the nibble does not */
        if (n < 4) return 0;
        c->q += 4;
        c->et = by_nibble(c->q, c->e);
        return 1;
    case 9: case 50: /* PPP; or Cisco HDLC, told by its address byte (unicast, multicast) */
        if (n >= 1 && (q[0] == 0x0f || q[0] == 0x8f)) return cisco_hdlc(c);
        if (n >= 2 && q[0] == 0xff && q[1] == 3) c->q += 2;
        c->et = ppp(c, k);
        return 1;
    case 104:
        return cisco_hdlc(c);
    default:
        return 1;
    }
}

static u32 mpls(cursor *c, packet *k) {
    int bottom = 0;
    k->layers |= LAYER_MPLS;
    while (!bottom) {
        if (c->e - c->q < 4) {
            k->marks |= MARK_TRUNCATED;
            return 0;
        }
        bottom = c->q[2] & 1;
        c->q += 4;
    }
    return by_nibble(c->q, c->e);
}

/* Tags and shims between the link header and the network layer; ends at a known or 0 EtherType. */
static ALWAYS_INLINE void shims(cursor *c, packet *k) {
    for (;;) {
        ptrdiff_t n = c->e - c->q;
        switch (c->et) {
        case 0x8100: case 0x88a8: case 0x9100: case 0x9200:
            if (n < 4) goto cut;
            if (k->vlan < 0) {
                k->vlan = (i16)(be16(c->q) & 0xfff);
                k->layers |= LAYER_VLAN;
            } else {
                if (k->inner_vlan < 0) k->inner_vlan = (i16)(be16(c->q) & 0xfff);
                k->layers |= LAYER_QINQ;
            }
            c->et = be16(c->q + 2);
            c->q += 4;
            if (c->et <= 1500) c->et = llc(c, k);
            continue;
        case 0x8847: case 0x8848:
            c->et = mpls(c, k);
            continue;
        case 0x8864: /* PPPoE session */
            if (n < 6) goto cut;
            k->layers |= LAYER_PPPOE;
            c->q += 6;
            c->et = ppp(c, k);
            continue;
        case 0x88e7: /* provider backbone bridging: I-TAG, customer addresses, EtherType */
            if (n < 18) goto cut;
            k->layers |= LAYER_PBB;
            c->et = be16(c->q + 16);
            c->q += 18;
            if (c->et <= 1500) c->et = llc(c, k);
            continue;
        default:
            return;
        }
    }
cut:
    k->marks |= MARK_TRUNCATED;
    c->et = 0;
}

static void arp(cursor *c, mac_table *m, packet *k) {
    const u8 *q = c->q;
    if (c->e - q < 8) {
        k->marks |= MARK_TRUNCATED;
        return;
    }
    k->arp_op = be16(q + 6);
    k->header_len = 8;
    if (q[4] != 6 || q[5] != 4 || be16(q + 2) != 0x0800) return;
    if (c->e - q < 28) {
        k->marks |= MARK_TRUNCATED;
        return;
    }
    k->arp_sha = macs_id(m, q + 8);
    k->arp_tha = macs_id(m, q + 18);
    k->src_ip[10] = k->src_ip[11] = k->dst_ip[10] = k->dst_ip[11] = 0xff;
    memcpy(k->src_ip + 12, q + 14, 4);
    memcpy(k->dst_ip + 12, q + 24, 4);
    c->q += 28;
}

static void tcp_options(const u8 *q, const u8 *e, packet *k) {
    while (q < e) {
        u8 kind = *q;
        if (kind == 0) {
            k->tcp_options |= OPT_EOL;
            return;
        }
        if (kind == 1) {
            k->tcp_options |= OPT_NOP;
            q++;
            continue;
        }
        if (e - q < 2 || q[1] < 2 || q[1] > e - q) return;
        if (kind == 2 && q[1] == 4) {
            k->tcp_options |= OPT_MSS;
            k->tcp_mss = be16(q + 2);
        } else if (kind == 3 && q[1] == 3) {
            k->tcp_options |= OPT_WSCALE;
            k->tcp_wscale = q[2];
        } else if (kind == 4) {
            k->tcp_options |= OPT_SACK_OK;
        } else if (kind == 5) {
            k->tcp_options |= OPT_SACK;
        } else if (kind == 8 && q[1] == 10) {
            k->tcp_options |= OPT_TIMESTAMP;
            k->tcp_tsval = be32(q + 2);
        } else {
            k->tcp_options |= OPT_OTHER;
        }
        q += q[1];
    }
}

/* rest = bytes of the IP payload by the IP length; [q, e) = those of them that were captured. */
static ALWAYS_INLINE void transport(const u8 *q, const u8 *e, u32 rest, packet *k, const int full) {
    ptrdiff_t n = e - q;
    u32 need = 0;
    switch (k->proto) {
    case 6:
        need = 20;
        if (n >= 4) {
            k->src_port = be16(q);
            k->dst_port = be16(q + 2);
        }
        if (n >= 14) {
            k->tcp_flags = q[13];
            k->l4_header_len = (u8)((q[12] >> 4) * 4);
            if (k->l4_header_len < 20) k->marks |= MARK_TRUNCATED;
            else need = k->l4_header_len;
        }
        if (full) {
            if (n >= 8) k->tcp_seq = be32(q + 4);
            if (n >= 12) k->tcp_ack = be32(q + 8);
            if (n >= 16) k->tcp_window = be16(q + 14);
            if (n > 20 && need > 20) tcp_options(q + 20, q + (n < need ? n : (ptrdiff_t)need), k);
        }
        break;
    case 17: case 136: case 33: case 132:
        need = k->proto == 132 ? 12 : k->proto == 33 ? 16 : 8;
        k->l4_header_len = (u8)need;
        if (n >= 4) {
            k->src_port = be16(q);
            k->dst_port = be16(q + 2);
        }
        break;
    case 1: case 58:
        need = 8;
        k->l4_header_len = 8;
        if (n >= 1) k->icmp_type = q[0];
        if (n >= 2) k->icmp_code = q[1];
        break;
    default:
        break;
    }
    k->payload_len = rest > need ? rest - need : 0;
    if (n < (ptrdiff_t)need) k->marks |= MARK_TRUNCATED;
    k->header_len = (u32)(n < (ptrdiff_t)need ? n : (ptrdiff_t)need);
}

/* IPv6 extension headers, and AH in either version. Returns what stands at c->q; sets *later. */
static u32 extensions(cursor *c, u32 next, u32 *rest, packet *k, int *later) {
    for (;;) {
        ptrdiff_t n = c->e - c->q;
        u32 len;
        if (next == 51) {
            if (n < 8) break;
            len = ((u32)c->q[1] + 2) * 4;
        } else if (k->ip_version == 4) {
            return next;
        } else if (next == 44) {
            if (n < 8) break;
            len = 8;
            k->marks |= MARK_FRAGMENT;
            k->frag = (u16)((be16(c->q + 2) >> 3) | ((c->q[3] & 1) << 13));
            k->ip_id = be16(c->q + 6);
            if (be16(c->q + 2) & 0xfff8) {
                k->marks |= MARK_LATER_FRAGMENT;
                *later = 1;
            }
        } else if (next == 0 || next == 43 || next == 60 || next == 135 || next == 139 || next == 140) {
            if (n < 8) break;
            len = ((u32)c->q[1] + 1) * 8;
        } else {
            return next;
        }
        k->layers |= LAYER_IPV6_EXT;
        next = c->q[0];
        c->q += (ptrdiff_t)len <= n ? (ptrdiff_t)len : n;
        *rest = *rest > len ? *rest - len : 0;
        if (*later) return next;
    }
    k->marks |= MARK_TRUNCATED; /* the chain is cut: what follows cannot be known */
    c->q = c->e;
    return next;
}

static ALWAYS_INLINE void network(cursor *c, u32 wire, packet *k, const int full) {
    const u8 *q = c->q;
    u32 rest, next, size, room = wire > (u32)(q - c->p) ? wire - (u32)(q - c->p) : 0;
    int later = 0;
    if (c->et == 0x0800) {
        if (c->e - q < 20 || (*q >> 4) != 4 || (*q & 15) < 5) {
            k->marks |= MARK_TRUNCATED;
            return;
        }
        u32 head = (*q & 15) * 4u;
        k->ip_version = 4;
        k->tos = q[1];
        size = be16(q + 2);
        if (!size) size = room; /* segmentation offload leaves 0 */
        k->ip_id = be16(q + 4);
        k->frag = be16(q + 6);
        k->ttl = q[8];
        next = q[9];
        k->src_ip[10] = k->src_ip[11] = k->dst_ip[10] = k->dst_ip[11] = 0xff;
        memcpy(k->src_ip + 12, q + 12, 4);
        memcpy(k->dst_ip + 12, q + 16, 4);
        if ((q[16] >> 4) == 14 || be32(q + 16) == 0xffffffffu) k->marks |= MARK_IP_MULTICAST;
        if (k->frag & 0x3fff) k->marks |= MARK_FRAGMENT;
        if (k->frag & 0x1fff) {
            k->marks |= MARK_LATER_FRAGMENT;
            later = 1;
        }
        if (size < head || c->e - q < (ptrdiff_t)head) {
            k->marks |= MARK_TRUNCATED;
            k->ip_len = size;
            k->proto = (u8)next;
            c->q = c->e - q < (ptrdiff_t)head ? c->e : q + head;
            k->header_len = (u32)(c->q - c->p);
            return;
        }
        rest = size - head;
        c->q += head;
    } else {
        if (c->e - q < 40 || (*q >> 4) != 6) {
            k->marks |= MARK_TRUNCATED;
            return;
        }
        k->ip_version = 6;
        k->tos = (u8)(be16(q) >> 4);
        rest = be16(q + 4);
        if (!rest && room > 40) rest = room - 40; /* jumbogram or offload */
        size = rest + 40;
        next = q[6];
        k->ttl = q[7];
        memcpy(k->src_ip, q + 8, 16);
        memcpy(k->dst_ip, q + 24, 16);
        if (q[24] == 0xff) k->marks |= MARK_IP_MULTICAST;
        c->q += 40;
    }
    k->ip_len = size;
    if (size > room) k->marks |= MARK_TRUNCATED;
    if ((u64)(c->e - q) > size) c->e = q + size; /* what follows is the link's padding */
    if (!later && (k->ip_version == 6 || next == 51)) next = extensions(c, next, &rest, k, &later);
    k->proto = (u8)next;
    if (later) {
        k->payload_len = rest;
        k->header_len = (u32)(c->q - c->p);
        return;
    }
    transport(c->q, c->e, rest, k, full);
    k->header_len += (u32)(c->q - c->p);
}

static ALWAYS_INLINE void decode(mac_table *m, int link, const u8 *p, u32 captured, u32 wire,
                                 packet *k, const int full) {
    cursor c = {p, p, p + captured, 0};
    if (!link_layer(&c, link, m, k)) {
        k->marks |= MARK_TRUNCATED;
        k->header_len = captured;
        return;
    }
    if (c.et != 0x0800) shims(&c, k);
    k->ethertype = (u16)c.et;
    if (c.et == 0x0800 || c.et == 0x86dd) {
        network(&c, wire, k, full);
        if (!k->ip_version) k->header_len = (u32)(c.q - c.p);
    } else if (c.et == 0x0806 || c.et == 0x8035) {
        const u8 *before = c.q;
        arp(&c, m, k);
        if (c.q != before) k->header_len = 28;
        k->header_len += (u32)(before - c.p);
    } else {
        k->header_len = (u32)(c.q - c.p);
    }
}

#endif
