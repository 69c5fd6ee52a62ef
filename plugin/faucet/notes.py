"""What the operator must know before the hook is installed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.faucet.document import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.faucet import hook
    from plugin.faucet.document import Situation


KINDS = {
    "output_only": "output_only",
    "mirror": "a mirror port",
    "stack": "a stack port",
    "coprocessor": "a coprocessor port",
    "dot1x": "an 802.1X port, where Faucet allows no ACL",
}
"""What the ports are that are not hooked."""
WORDS = {
    "vlan": "all is mirrored at the VLANs, set once; copies carry the VLAN tag",
    "tail": "all is mirrored by the tail of each port without ACLs of yours",
    "out": "all is mirrored where it leaves a VLAN (acls_out): what your ACLs deny is not seen",
    "port": "Faucet mirrors the ports themselves: a frame from one to another comes twice, so"
    " capture with --drop-repeats (capture.drop_repeats); what your ACLs deny is not copied",
    "none": "nothing is mirrored but what 'halia run' watches in turn (mirror.budget)",
}
"""What each stage of the mirror gives."""


def notes_on(
    situation: Situation, layout: hook.Layout, before: hook.Layout | None = None
) -> Iterator[str]:
    """Give what the installation costs, and what it does not cover.

    Args:
        situation: the operator's own, without anything of ours.
        layout: of the installation.
        before: of the one that stands there; None: there is none.
    """
    yield (
        "this is a cold start: each datapath drops its flows and learns all devices"
        " again; with max_backoff=1000 at the switch that is about a second"
        if not _has_tables(before, layout) and _cold(situation, layout)
        else "warm: only flows of ports and VLANs that change are written anew, some milliseconds"
    )
    yield WORDS[layout.mode]
    for one in layout.targets:
        if one.collector is None and layout.mode != "none":
            yield f"{one.dp} has no collector port: nothing of it is mirrored"
    if len(layout.targets) > 1 and layout.mode != "none":
        yield "a frame that crosses several datapaths is copied by each"
    yield from _on_ignored(situation, layout)
    for port in situation.interfaces:
        if port.kind != "edge":
            yield f"{port.label} is not hooked: it is {KINDS[port.kind]}"
        elif layout.mode == "tail" and port.chain:
            yield (
                f"{port.label}: your ACL ends its table, so its frames are not mirrored; --mirror"
                " port, the last resort, would"
            )
    yield "the switch must run fail_mode=secure, else isolation ends when Faucet is away"


def _on_ignored(situation: Situation, layout: hook.Layout) -> Iterator[str]:
    vids = situation.vids()
    for vid in sorted(layout.ignored_vlans):
        if layout.mode in {"vlan", "out"}:
            yield f"VLAN {vids.get(vid, vid)} is not mirrored"
        elif layout.mode != "none":
            yield (
                f"VLAN {vids.get(vid, vid)} is mirrored all the same: --mirror {layout.mode} works"
                " by port; set mirror.ignore_vlans, and its devices are not captured"
            )


def _has_tables(before: hook.Layout | None, layout: hook.Layout) -> bool:
    """Tell whether an installation that stands there has given all datapaths their tables."""
    if before is None:
        return False
    return (before.mode, before.wide_priming, {one.dp for one in before.targets}) == (
        layout.mode, layout.wide_priming, {one.dp for one in layout.targets},
    )  # fmt: skip


def _cold(situation: Situation, layout: hook.Layout) -> bool:
    """Tell whether a datapath gets a new table: that is when Faucet restarts it cold."""
    for dp, conf in situation.dps.items():
        edges = [i for i in situation.edges() if i.dp == dp]
        if edges and not any(i.chain for i in edges) and not conf.get("dot1x"):
            return True
    at_vlans = any(chain_of(v, "in") for v in situation.vlans.values())
    return layout.mode == "out" or (layout.mode == "vlan" and not at_vlans) or layout.wide_priming
