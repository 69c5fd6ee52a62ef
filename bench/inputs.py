"""The captures that the bench runs on: generated, merged and shipped, cached outside the tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIG = 500_000_000
"""Bytes from which a file counts as big: the ratios to cat and tcpdump are judged there only."""
HUGE_PACKETS = 11_000_000
HUGE_ROOM = 4_000_000_000
MERGE_REPLICAS = 7
SAMPLE_PART = 32


class Input(NamedTuple):
    """A capture to run on.

    Attributes:
        name: short | merge | long | small | huge | own.
        path: the file.
        what: one line for the table.
    """

    name: str
    path: Path
    what: str

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


class Skipped(NamedTuple):
    """An input that could not be had, and why."""

    name: str
    reason: str
    error: bool = False  # not by wish: a check must not pass over it


def default_cache() -> Path:
    """Where generated captures are kept: the user's cache folder, never the source tree."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "halia-bench"


def shared_folder() -> Path | None:
    """The shared data folder's ``data``, by HALIA_SHARED or beside the checkout; None without."""
    named = os.environ.get("HALIA_SHARED")
    folder = (Path(named) if named else ROOT.parent / "shared") / "data"
    return folder if folder.is_dir() else None


def file_digest(path: Path) -> str:
    """blake2b of a file's bytes, in hexadecimal."""
    with path.open("rb") as octets:
        return hashlib.file_digest(octets, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _sources_tag(*names: str) -> str:
    """Eight characters that change when the sources that made a file change."""
    found = hashlib.blake2b(digest_size=4)
    for name in names:
        found.update((ROOT / "bench" / name).read_bytes())
    return found.hexdigest()


def _made(path: Path, module: str, *arguments: str) -> Path:
    """The cached file, made by a child (so that the bench itself stays small) when missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        command = [sys.executable, "-m", module, str(part), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        part.rename(path)
    return path


def short_input(cache: Path, packets: int) -> Input:
    """Generated, short flows."""
    tag = _sources_tag("generate.py", "frames.py")
    path = _made(cache / f"short-{packets}-{tag}.pcap", "bench.generate", "--packets", str(packets))
    return Input("short", path, "generated, short flows")


def long_input(cache: Path, packets: int) -> Input:
    """Generated, long flows."""
    tag = _sources_tag("generate.py", "frames.py")
    path = cache / f"long-{packets}-{tag}.pcap"
    made = _made(path, "bench.generate", "--packets", str(packets), "--long")
    return Input("long", made, "generated, long flows")


def huge_input(cache: Path, packets: int = HUGE_PACKETS) -> Input | Skipped:
    """Generated, eleven million packets of at most 128 bytes."""
    tag = _sources_tag("generate.py", "frames.py")
    path = cache / f"huge-{packets}-{tag}.pcap"
    cache.mkdir(parents=True, exist_ok=True)
    if not path.exists() and shutil.disk_usage(cache).free < HUGE_ROOM:
        return Skipped("huge", f"less than {HUGE_ROOM // 10**9} GB free in {cache}")
    made = _made(path, "bench.generate", "--packets", str(packets), "--snaplen", "128")
    return Input("huge", made, "generated, 128 bytes kept of a packet")


def merged_input(cache: Path, replicas: int) -> Input | Skipped:
    """Real captures of the shared data folder, merged."""
    folder = shared_folder()
    if folder is None:
        return Skipped("merge", "no shared data folder (set HALIA_SHARED)")
    path = cache / f"merge-{replicas}-{_sources_tag('merge.py')}.pcap"
    made = _made(path, "bench.merge", str(folder), "--replicas", str(replicas))
    return Input("merge", made, f"real captures merged, {replicas} replicas")


def devices_input(cache: Path) -> Input | Skipped:
    """Real captures of single devices from the shared data folder, merged: nearly all good ones."""
    folder = shared_folder()
    if folder is None:
        return Skipped("devices", "no shared data folder (set HALIA_SHARED)")
    path = cache / f"devices-{_sources_tag('merge.py')}.pcap"
    made = _made(path, "bench.merge", str(folder / "devices"), "--replicas", "1")
    return Input("devices", made, "captures of devices, merged")


def small_input(cache: Path) -> Input:
    """The 2 MB file for cold starts: netml's demo capture, else a generated one of that size."""
    folder = shared_folder()
    demo = folder / "netml" / "demo.pcap" if folder else None
    if demo is not None and demo.is_file():
        return Input("small", demo, "netml's demo capture, 2 MB")
    made = short_input(cache, 6_000)
    return Input("small", made.path, "generated, 2 MB")


def sample_of(source: Input, cache: Path, packets: int) -> Input:
    """The first packets of a classic capture as a file of its own."""
    path = cache / f"{source.path.stem}-first-{packets}.pcap"
    if not path.exists():
        octets = source.path.open("rb")
        with octets, path.open("wb") as out:
            head = octets.read(24)
            out.write(head)
            order = "<" if head[:1] in b"\xd4\x4d" else ">"
            for _ in range(packets):
                record = octets.read(16)
                if len(record) < 16:
                    break
                out.write(record + octets.read(struct.unpack(order + "I", record[8:12])[0]))
    return Input(source.name, path, f"first {packets:,} packets")


def empty_input(cache: Path) -> Input:
    """A capture without packets: what a contender costs before it has read one."""
    path = cache / "empty.pcap"
    if not path.exists():
        path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
    return Input("empty", path, "no packets")
