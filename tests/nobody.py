"""Running a program as uid nobody, where root's own folders hold Python or the checkout."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

NOBODY = 65534


def as_nobody(argv: list[str], *needed: Path, groups: str = "") -> list[str]:
    """Give the words that run a program as nobody, with Python and ``needed`` within its reach.

    It has no other groups but ``groups`` (names, with commas between them).

    A folder above those that nobody may not enter (such as /root) is covered, in a mount
    namespace of the program's own, by an empty one in which only what is needed is mounted.
    """
    if os.geteuid() != 0:
        return argv
    pythons = Path(sys.prefix), Path(sys.base_prefix)
    wanted = {path.resolve() for path in (*pythons, *needed)}
    closed = {gate: path for path in wanted if (gate := _gate(path)) is not None}
    gates = {gate: [p for p in sorted(wanted) if p.is_relative_to(gate)] for gate in closed}
    lines = ["set -e", "stage=$(mktemp -d)", "mount -t tmpfs tmpfs $stage"]
    mounts: list[str] = []
    for gate, paths in gates.items():
        for number, path in enumerate(paths):
            place = f"$stage/{len(mounts)}-{number}"
            lines += [f"mkdir {place}", f"mount --bind '{path}' {place}"]
            mounts += [f"mkdir -p '{path}'", f"mount --bind {place} '{path}'"]
        mounts.insert(0, f"mount -t tmpfs -o mode=755 tmpfs '{gate}'")
    others = f"--groups={groups}" if groups else "--clear-groups"
    drop = f"setpriv --reuid={NOBODY} --regid={NOBODY} {others}"
    lines += [*mounts, "umount -l $stage", "rmdir $stage", f'exec {drop} env HOME=/tmp "$@"']
    return ["unshare", "--mount", "sh", "-c", "\n".join(lines), "sh", *argv]


def _gate(path: Path) -> Path | None:
    """Give the topmost folder above a path that nobody may not enter."""
    for folder in reversed([path, *path.parents]):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None
