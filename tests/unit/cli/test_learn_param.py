from __future__ import annotations

from pathlib import Path

import pytest

from plugin.cli.learn_param import parameters
from plugin.errors import OptionError


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, {}),
        ("", {}),
        ("{nu: 0.1}", {"nu": 0.1}),
        ('{"nu": 0.1, "kernel": "poly"}', {"nu": 0.1, "kernel": "poly"}),
        ("nu: 0.1", {"nu": 0.1}),
        ("{tol: 1e-3, gamma: scale}", {"tol": 1e-3, "gamma": "scale"}),
        ("{OCSVM: {nu: 0.2}, kde: {bandwidth: 3}}", {"nu": 0.2}),
        ("{one-class-svm: {nu: 0.3}}", {"nu": 0.3}),
        ("{nu: 1.5e3}", {"nu": 1500.0}),
        ("{nu: 1e+1234}", {"nu": "1e+1234"}),
    ],
)
def test_yaml_and_json_for_one_or_several_algorithms(
    given: str | None, found: dict[str, object]
) -> None:
    assert parameters(given, "ocsvm") == found


def test_a_file_of_it(tmp_path: Path) -> None:
    file = tmp_path / "param.yaml"
    file.write_text("nu: 0.25\n")
    assert parameters(str(file), "ocsvm") == {"nu": 0.25}
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError):
        parameters(str(file), "ocsvm")


@pytest.mark.parametrize("given", ["nu", "[1, 2]", "{nu: ", "no/such/file.yaml", "!!python/x {}"])
def test_what_is_neither_is_told(given: str) -> None:
    with pytest.raises(OptionError) as raised:
        parameters(given, "ocsvm")
    assert raised.value.where == "--param"


def test_options_of_other_algorithms_only_are_told() -> None:
    with pytest.raises(OptionError, match="has options of kernel-density, and the algorithm is"):
        parameters("{kde: {bandwidth: 3}}", "ocsvm")


def test_options_of_an_unknown_algorithm_are_told() -> None:
    with pytest.raises(OptionError, match="ocvsm"):
        parameters("{ocvsm: {nu: 1}}", "ocsvm")
