from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.errors import DatasetError, OptionError
from plugin.ml.vocabulary import load_vocabulary
from plugin.offline import training

CAPTURES = Path(__file__).resolve().parents[2] / "data" / "captures"
ARIA, EDNET = "Aria_Setup-A-2-STA.pcap", "EdnetCam1_Setup-C-2-STA.pcap"


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,label,mac,ip,site\n"
        f"{ARIA},Aria,20:f8:5e:ca:91:52,,s1\n"
        f"{EDNET},EdnetCam,,,s2\n"
        "zeek_kinit_kdc.pcap,kerberos_kdc,,192.168.1.32,s3\n"
        "missing.pcap,Aria,,,s1\n"
        f"{EDNET},EdnetCam,02:00:00:00:00:99,,s2\n"
    )
    return table


def test_a_list_is_read(listing: Path) -> None:
    found = training.read_listing(listing, root=CAPTURES, group_column="site")
    assert found.root == CAPTURES
    assert [s.group for s in found.samples][:2] == ["s1", "s2"]
    # A folder with a labels.csv is that list.
    assert training.read_listing(listing.parent).root == listing.parent


def test_a_folder_of_roles(tmp_path: Path) -> None:
    (tmp_path / "Aria").mkdir()
    shutil.copy(CAPTURES / ARIA, tmp_path / "Aria" / "x.pcap")
    shutil.copy(CAPTURES / EDNET, tmp_path / "EdnetCam-1-now.pcap")
    found = training.read_listing(tmp_path)
    assert [(s.path, s.label) for s in found.samples] == [
        ("Aria/x.pcap", "Aria"),
        ("EdnetCam-1-now.pcap", "EdnetCam"),
    ]


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("root", {"root": CAPTURES}),
        ("where", {"where": [("site", "a")]}),
        ("label-column", {"label_column": "role"}),
        ("group-column", {"group_column": "site"}),
    ],
)
def test_what_only_a_list_has_is_no_option_of_a_folder_of_roles(
    option: str, given: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=f"^--{option}: is for a list"):
        training.read_listing(tmp_path, **given)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        training.read_listing(tmp_path / "none.csv")
    binary = tmp_path / "x.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read"):
        training.read_listing(binary)


def test_captures_become_rows_and_bad_ones_are_named(listing: Path) -> None:
    found = training.gather(training.read_listing(listing, root=CAPTURES), "service-ports")
    assert found.material.labels == ("Aria", "EdnetCam", "kerberos_kdc")
    assert [s.path for s in found.skipped] == ["missing.pcap", EDNET]
    assert "not in it" in found.skipped[1].reason
    assert found.material.owner.tolist() == [0, 1, 2]
    assert found.material.digests[0] == training.file_digest(CAPTURES / ARIA)
    assert (found.material.packets > 0).all()
    assert 1 in found.material.prefixes


def test_a_copy_is_met_once_and_two_labels_for_one_device_are_an_error(tmp_path: Path) -> None:
    for name in ("a.pcap", "b.pcap"):
        shutil.copy(CAPTURES / ARIA, tmp_path / name)
    table = tmp_path / "labels.csv"

    def gathered(second: str, mac: str = "20:f8:5e:ca:91:52") -> training.Gathered:
        rows = f"a.pcap,Aria,20:f8:5e:ca:91:52,s1\nb.pcap,{second},{mac},s2\n"
        table.write_text(f"path,label,mac,site\n{rows}")
        return training.gather(training.read_listing(table), "service-ports")

    found = gathered("Aria")
    assert [one.path for one in found.material.samples] == ["a.pcap"]
    assert found.skipped == (("b.pcap", "it is a copy of a.pcap"),)
    with pytest.raises(DatasetError, match=r"a\.pcap, b\.pcap: .* labelled Aria and Scale"):
        gathered("Scale")
    # Another device of the same capture is no copy.
    other = gathered("Gateway", "28:b2:bd:c3:41:78")
    assert other.skipped == (("b.pcap", "the device has no IP session in it"),)
    rows = "c.pcap,Server,192.168.1.32\nc.pcap,Client,192.168.1.31\n"
    shutil.copy(CAPTURES / "zeek_kinit_kdc.pcap", tmp_path / "c.pcap")
    table.write_text(f"path,label,ip\n{rows}")
    both = training.gather(training.read_listing(table), "service-ports")
    assert both.material.labels == ("Server", "Client")


def test_processes_change_nothing(listing: Path) -> None:
    read = training.read_listing(listing, root=CAPTURES)
    one, two = (training.gather(read, "networkml-4104", jobs=jobs).material for jobs in (1, 2))
    assert one.digests == two.digests
    assert np.array_equal(one.rows.to_dense(), two.rows.to_dense())
    assert one.owner.tolist() == sorted(one.owner.tolist())
    assert one.unit == "session"
    assert not one.prefixes


def test_nothing_left_is_an_error(listing: Path) -> None:
    read = training.read_listing(listing, root=CAPTURES, where=[("path", "missing*")])
    with pytest.raises(DatasetError, match="no capture could be used"):
        training.gather(read, "service-ports")


def test_labels_get_the_vocabularys_spelling(root: Path, tmp_path: Path) -> None:
    table = tmp_path / "l.csv"
    table.write_text("path,label\na,kerberos_kdc\nb,unknown\nc,something else\n")
    vocabulary = load_vocabulary(root / "configs" / "roles.yaml")
    found = training.spell(training.read_listing(table), vocabulary)
    assert [s.label for s in found.samples] == [
        "Active Directory controller",
        "Unknown",
        "something else",
    ]


def test_held_out_digests(tmp_path: Path) -> None:
    table = tmp_path / "l.csv"
    table.write_text("path,sha256\na,11\nb,\n")
    assert training.held_out_digests([table]) == {"11"}
    with pytest.raises(DatasetError, match="cannot be read"):
        training.held_out_digests([tmp_path / "none.csv"])


def test_a_list_that_is_not_there_is_told_as_all_else(tmp_path: Path) -> None:
    told = f"{tmp_path}/nosuch: cannot be read: No such file or directory"
    with pytest.raises(DatasetError) as caught:
        training.read_listing(tmp_path / "nosuch")
    assert str(caught.value) == told
    with pytest.raises(DatasetError) as caught:
        training.held_out_digests([tmp_path / "nosuch"])
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.pcap,Aria", "row 3: has fewer cells than the header"),
        ("a.pcap,Aria,0e:00:00:00:00,", "row 3: '0e:00:00:00:00' is no MAC address; write it"),
        ("a.pcap,Aria,0e:00:00:00:00:zz,", "row 3: '0e:00:00:00:00:zz' is no MAC"),
        ("a.pcap,Aria,,10.0.0.256", "row 3: '10.0.0.256' is no IP address"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label,mac,ip\nb.pcap,Aria,,\n{row}\n")
    with pytest.raises(DatasetError, match=f"labels.csv: {reason}"):
        training.read_listing(table)


def test_lists_of_other_systems_are_read(tmp_path: Path) -> None:
    """With a byte order mark, and MAC addresses with dashes in capitals."""
    table = tmp_path / "labels.csv"
    text = "path,label,mac,ip\nb.pcap,Aria,0E-00-00-00-00-0A, FE80::0:1\n"
    table.write_text(text, encoding="utf-8-sig")
    (sample,) = training.read_listing(table).samples
    assert (sample.path, sample.mac, sample.ip) == ("b.pcap", "0e:00:00:00:00:0a", "fe80::1")
    table.write_text("sha256\nab\n", encoding="utf-8-sig")
    assert training.held_out_digests([table]) == {"ab"}
