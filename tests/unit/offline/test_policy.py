from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.errors import PolicyError
from plugin.offline.policy import (
    load_policy,
    load_samples,
    load_subject,
    schema_file,
    try_policy,
)
from plugin.yaml_places import FILE_BYTES_MAX

POLICY = """\
halia-policy: 1
protect: {vlans: [200]}
rules:
  - {name: scans, match: {behaviours: [vertical-scan]}, action: block, mode: enforce}
"""
SAMPLE = "{name: n, subject: {mac: '02:00:00:00:00:07', behaviours: [vertical-scan]}, expect: %s}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return path


def test_a_policy_is_read_with_the_names_that_halia_knows(file: Path) -> None:
    assert [rule.name for rule in load_policy(file).rules] == ["scans"]
    file.write_text(POLICY.replace("vertical-scan", "vertical-scam"))
    with pytest.raises(PolicyError, match="did you mean 'vertical-scan'"):
        load_policy(file)
    file.write_text(POLICY.replace("behaviours: [vertical-scan]", "roles: [Toaster]"))
    alone, warning = load_policy(file).warnings
    assert "isolates by the role alone" in alone
    assert "roles.yaml has no 'Toaster'" in warning


def test_samples_stand_in_the_policy_beside_it_or_both(file: Path) -> None:
    with pytest.raises(PolicyError, match=r"has no samples; write them under samples:"):
        load_samples(file)
    beside = file.with_name("p.samples.yaml")
    beside.write_text(f"[{SAMPLE % '{enforced: none}'}]")
    assert [sample.place for sample in load_samples(file)] == [f"{beside}:1:2"]
    file.write_text(f"{POLICY}samples:\n  - {SAMPLE % '{enforced: scans}'}\n")
    assert [sample.place for sample in load_samples(file)] == [f"{file}:6:5", f"{beside}:1:2"]
    tried = try_policy(file)
    assert (len(tried.results), tried.failed) == (2, 1)
    assert tried.results[1].problems == ("enforced: none was expected; it is scans",)


def test_a_device_from_json(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_text(json.dumps({"mac": "02:00:00:00:00:07", "vendor": "Axis"}))
    assert load_subject(file).vendor == "Axis"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    for load in (load_policy, load_samples, load_subject):
        with pytest.raises(PolicyError, match="cannot be read: No such file"):
            load(tmp_path / "gone.yaml")
        with pytest.raises(PolicyError, match="larger than"):
            load(large)


def test_the_schema_is_there() -> None:
    assert json.loads(schema_file().read_text("utf-8"))["title"] == "Halia policy, version 1"
