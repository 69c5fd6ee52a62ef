"""Feeds damaged files of labels to their readers, and damaged mapping files.

Each must end in labels or in an error of one line that is meant for people; anything else ends this
script with a traceback. Seeded: the same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from plugin.errors import InputError, SettingsError  # noqa: E402 - the checkout must be found first
from plugin.flows.label_mapping import LabelMapping, parse_mapping  # noqa: E402
from plugin.offline.flow_labels import read_labels  # noqa: E402

ENDS = b"10.0.0.1", b"1000", b"2001:db8::2", b"80"
BASES = (
    b"Id, Source IP, Source Port, Destination IP, Destination Port, Protocol, Label\n"
    + b"\n".join(b"1,%s,%s,%s,%s,6," % ENDS + label for label in (b"BENIGN", b'"Bot"', b"DoS")),
    b"#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\tconn\n#fields\tts\tid.orig_h\t"
    b"id.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\ttunnel   label\n#types\ttime\taddr\tport\t"
    b"addr\tport\tenum\tinterval\tset[string]   string\n"
    + b"100.5\t%s\t%s\t%s\t%s\ttcp\t1.5\t(empty)   Benign\n#close\tx\n"
    % ENDS,
    b'{"ts":100.5,"id.orig_h":"%s","id.orig_p":%s,"id":{"resp_h":"%s","resp_p":%s},"proto":"tcp",'
    b'"duration":1.5,"label":"Benign"}\n' % ENDS,
    b'{"event_type":"alert","flow_id":1,"timestamp":"2017-04-07T22:24:37.251547+0100","src_ip":"%s",'
    b'"src_port":%s,"dest_ip":"%s","dest_port":%s,"proto":"TCP","flow":{"start":'
    b'"2017-04-07T22:24:36.251547+0100"}}\n' % ENDS,
)
MAPPING = b"""\
columns: {src_ip: Source IP, start: Id, duration: Label}
normal: [BENIGN, "*o*"]
ignore: [DoS]
delimiter: ","
directions: both
time: {format: "%d/%m/%Y", zone: "-03:00", duration: us, slack: 60s}
"""
PIECES = (
    *(bytes([byte]) for byte in b'\t\n,"{}[]#-*\xff\x00'),
    *(b"\\x", b"1e999999999", b"9" * 5_000, b"nan", b"null", b"true", b"%s", b"&a", b"   "),
)
LINE_MAX = 2_000
"""Characters that an error's line may have."""


def damaged(rng: random.Random, base: bytes) -> bytes:
    """A text with pieces changed, put in, doubled or cut off."""
    data = bytearray(base * rng.choice((1, 1, 2, 5)))
    for _ in range(rng.randrange(1, 10)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randrange(8))
        kind = rng.randrange(4)
        if kind == 0:
            data[at:end] = rng.choice(PIECES)
        elif kind == 1:
            data[at:at] = data[at:end] * rng.randrange(1, 50)
        elif kind == 2:
            data[at:at] = bytes([rng.randrange(256)])
        else:
            del data[at:end]
    if rng.random() < 0.3:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def some_mapping(rng: random.Random) -> LabelMapping | None:
    """A mapping of a file that may be damaged, or none."""
    if rng.random() < 0.5:
        return LabelMapping(every=1) if rng.random() < 0.2 else None
    text = MAPPING if rng.random() < 0.3 else damaged(rng, MAPPING)
    try:
        return parse_mapping(text, "mapping.yaml")
    except SettingsError as error:
        if not all(line.startswith("mapping.yaml") for line in str(error).splitlines()):
            raise SystemExit(f"an error without a place: {error}\n{text!r}") from error
    return None


def once(rng: random.Random, file: Path) -> None:
    """One file of labels, read with a mapping or without."""
    mapping = some_mapping(rng)
    content = damaged(rng, rng.choice(BASES))
    file.write_bytes(content)
    try:
        found = read_labels(file, mapping=mapping)
    except InputError as error:
        told = str(error)
    else:
        told = "".join(found.problems[:1])
        if not found.labels.total or set(found.labels.values.tolist()) - {0, 1}:
            raise SystemExit(f"no labels, and no error: {content!r}")
    if "\n" in told or len(told) > LINE_MAX:
        raise SystemExit(f"not one line: {told!r}\n{content!r}")


def main() -> None:
    """Fuzz for a number of inputs or seconds, whichever ends first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)  # noqa: S311 - reproducible, not secret
    end, done = time.monotonic() + args.seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        while done < args.inputs and time.monotonic() < end:
            once(rng, Path(folder, "labels"))
            done += 1
    sys.stdout.write(f"fuzz: {done} files of labels (seed {args.seed}), no traceback\n")


if __name__ == "__main__":
    main()
