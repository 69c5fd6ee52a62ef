from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from plugin.errors import SettingsError
from plugin.ml.vocabulary import FILE, Vocabulary, load_vocabulary, parse_vocabulary
from plugin.settings import data_folder

SEED_ROLES = (
    "active directory controller",
    "administrator server",
    "administrator workstation",
    "confluence server",
    "developer workstation",
    "distributed file share",
    "exchange server",
    "graphics processing unit (GPU) laptop",
    "github server",
    "public key infrastructure (PKI) server",
    "printer",
)
NETWORKML_LABELS = (
    "Active Directory controller",
    "Administrator server",
    "Administrator workstation",
    "Business workstation",
    "Confluence server",
    "Developer workstation",
    "Distributed file share",
    "Exchange server",
    "GPU laptop",
    "GitHub server",
    "PKI server",
    "Printer",
)


@pytest.fixture(scope="module")
def shipped() -> Vocabulary:
    return load_vocabulary(data_folder("configs") / FILE)


def test_every_role_of_the_seed_and_of_networkml_is_there(shipped: Vocabulary) -> None:
    for name in SEED_ROLES:
        role = shipped.find(name)
        assert role is not None, name
        assert role.seed == name
    assert {role.networkml for role in shipped.entries} - {None} == set(NETWORKML_LABELS)


def test_all_spellings_find_the_same_entry(shipped: Vocabulary) -> None:
    role = shipped.find("ad_domain_controller")
    assert role is not None
    for name in (role.label, role.seed, role.networkml, "KERBEROS_KDC"):
        assert name is not None
        assert shipped.find(name) is role
    assert shipped.find("toaster") is None


def test_labels_by_kind(shipped: Vocabulary) -> None:
    assert "Printer" in shipped.labels("role")
    assert "HueBridge" in shipped.labels("device")
    assert not set(shipped.labels("role")) & set(shipped.labels("device"))


def test_networkml_labels_for_a_manifest(shipped: Vocabulary) -> None:
    assert shipped.networkml(["Printer", "Workstation", "HueBridge"]) == {"Printer": "Printer"}


def test_every_label_of_the_shared_captures_is_known(shipped: Vocabulary) -> None:
    folder = Path(os.environ.get("HALIA_SHARED", "../shared")) / "data"
    if not (folder / "labels.csv").is_file():
        pytest.skip("the shared data folder is not here")
    with (folder / "labels.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["path"].startswith("devices/")]
    assert len(rows) > 300
    for row in rows:
        found = shipped.find(row["label"])
        assert found is not None, row["label"]
        enterprise = row["path"].startswith("devices/enterprise")
        assert found.kind == ("role" if enterprise else "device"), row["label"]
        if not enterprise:
            assert (found.label, found.group) == (row["label"], row["type_group"])


GOOD: dict[str, Any] = {
    "unknown": "Unknown",
    "roles": [{"label": "Printer", "sources": ["printer"]}],
    "device_types": [],
}


def test_a_small_vocabulary_is_accepted() -> None:
    found = parse_vocabulary(GOOD)
    assert found.labels("role") == ("Printer",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"roles": None}, "roles: is no list"),
        ({"unknown": 3}, "unknown: is no text"),
        ({"colour": 1}, "colour: unknown key"),
        ({"roles": [{"seed": "x"}]}, r"roles\[0\]: is no mapping with a label"),
        ({"roles": [{"label": "a", "sources": "b"}]}, "no text in sources"),
        ({"roles": [{"label": "a", "seed": 1}]}, "no text in seed"),
        ({"roles": [{"label": "a", "colour": 1}]}, "unknown key colour"),
        ({"device_types": [{"label": "printer"}]}, "'printer' has another meaning"),
        ({"device_types": [{"label": "unknown"}]}, "'unknown' has another meaning"),
    ],
)
def test_each_problem_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        parse_vocabulary(GOOD | change)


def test_problems_are_told_together() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_vocabulary({"roles": [3], "unknown": ""})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("text", ["[", "- a", "\x00"])
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SettingsError, match=FILE):
        load_vocabulary(tmp_path / FILE)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_vocabulary(tmp_path / FILE)
