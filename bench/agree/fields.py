"""The fields that tshark is asked for."""

from __future__ import annotations

TSHARK_FIELDS = (
    "frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.protocols",
    "frame.cb_pen", "_ws.malformed", "arp.hw.type", "eth.src", "eth.dst", "sll.src.eth", "vlan.id",
    "ieee8021ad.id", "ip.src", "ip.dst", "ip.proto", "ip.len", "ip.hdr_len", "ip.ttl",
    "ip.dsfield", "ip.id", "ip.flags", "ip.frag_offset", "ipv6.src", "ipv6.dst", "ipv6.nxt",
    "ipv6.plen", "ipv6.hlim", "ipv6.tclass", "ipv6.hopopts.nxt", "ipv6.dstopts.nxt",
    "ipv6.routing.nxt", "ipv6.fraghdr.nxt", "ah.next_header", "mip6.proto", "hip.proto",
    "shim6.nxt", "ipv6.hopopts.len_oct", "ipv6.dstopts.len_oct", "ipv6.routing.len_oct",
    "ipv6.fraghdr.offset", "ipv6.fraghdr.more", "ipv6.fraghdr.ident", "tcp.srcport", "tcp.dstport",
    "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.hdr_len", "tcp.len",
    "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.timestamp.tsval",
    "udp.srcport", "udp.dstport", "udp.length", "sctp.srcport", "sctp.dstport", "dccp.srcport",
    "dccp.dstport", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "arp.opcode",
    "arp.src.hw_mac", "arp.dst.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4",
)  # fmt: skip
