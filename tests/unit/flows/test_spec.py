from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from plugin.errors import InputError, ModelError, OptionError
from plugin.flows.records import no_flows
from plugin.flows.spec import FEATURES, STATS, Spec, plan
from tests.flowing import flows, timed

SOME = flows(timed(0, 1), timed(0, 1, 2), timed(0, 1, 2, 3, 4))


@pytest.mark.parametrize(
    ("feature", "values"),
    [("IAT", 3), ("SIZE", 4), ("IAT_SIZE", 7), ("STATS", 12), ("SAMP_NUM", 3), ("SAMP_SIZE", 3)],
)
@pytest.mark.parametrize("fft", [False, True])
def test_a_row_is_as_wide_as_netmls(feature: str, values: int, fft: bool) -> None:
    bare = plan(SOME, feature, interval=1.0, fft=fft)  # 0.9 of 2, 3, 5 packets is 4.6
    assert bare.packets == 4
    assert bare.dimension == len(bare.columns()) == values
    headed = replace(bare, header=True)
    assert headed.dimension == len(headed.columns()) == 2 * values + 8
    assert len(set(headed.columns())) == headed.dimension


def test_columns_have_names() -> None:
    assert plan(SOME, "IAT_SIZE", interval=1.0).columns()[:3] == ("iat_1", "size_1", "iat_2")
    assert plan(SOME, "stats", interval=1.0).columns() == STATS
    headed = plan(SOME, "samp-num", interval=1.0, header=True).columns()
    assert headed[:9] == ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ttl_1")
    assert headed[-1] == "packets_in_3"
    both = plan(SOME, "IAT", interval=1.0, header=True, fft=True).columns()
    assert both[0] == "fft_header_0"
    assert both[-1] == "fft_iat_2"


@pytest.mark.parametrize("feature", FEATURES)
def test_a_document_gives_the_same_again(feature: str) -> None:
    made = plan(SOME, feature, interval=1.5, timeouts=(60.0, math.pi), last="drop", q=0.5)
    again = Spec.read(json.loads(json.dumps(made.document())))
    assert again == made
    assert (again.sampling is None) == (not feature.startswith("SAMP"))


@pytest.mark.parametrize(
    "changed",
    [
        {"feature": "IATS"},
        {"packets": 1},
        {"packets": 10**9},
        {"packets": 3.5},
        {"packets": "3"},
        {"packets": True},
        {"fft": 1},
        {"interval": -1},
        {"interval": math.nan},
        {"interval": math.inf},
        {"sampling": None},
        {"sampling": 0},
        {"sampling": "1"},
        {"q": 0},
        {"min_packets": 1},
        {"timeouts": [600]},
        {"timeouts": [600, -1]},
        {"timeouts": None},
        {"timeouts": ["600", 600]},
        {"last": "burn"},
        {"more": 1},
    ],
)
def test_a_damaged_document_is_said_to_be_one(changed: dict[str, Any]) -> None:
    document = plan(SOME, "SAMP_NUM", interval=1.0).document()
    with pytest.raises(ModelError, match="its flow features are damaged"):
        Spec.read(document | changed)


def test_one_of_another_version_or_without_fields_too() -> None:
    document = plan(SOME, "IAT", interval=1.0).document()
    with pytest.raises(ModelError, match="have the version 2, this Halia knows 1"):
        Spec.read(document | {"version": 2})
    with pytest.raises(ModelError, match="have the version None"):
        Spec.read({})
    del document["q"]
    with pytest.raises(ModelError, match="damaged: other fields"):
        Spec.read(document)
    with pytest.raises(ModelError, match="belongs to SAMP_NUM and SAMP_SIZE only"):
        Spec.read(plan(SOME, "IAT", interval=1.0).document() | {"sampling": 1.0})


def test_what_cannot_be_planned_is_said() -> None:
    with pytest.raises(OptionError, match="no feature 'SIZES'; did you mean 'size'"):
        plan(SOME, "SIZES", interval=1.0)
    with pytest.raises(OptionError, match="is no quantile"):
        plan(SOME, "IAT", interval=1.0, q=2)
    with pytest.raises(InputError, match="no part of a flow has 2 packets"):
        plan(no_flows(), "IAT", interval=1.0)
    with pytest.raises(OptionError, match="interval: -1"):
        plan(SOME, "IAT", interval=-1)


def test_a_window_is_a_quantile_of_durations_or_what_is_asked_for() -> None:
    assert plan(SOME, "SAMP_NUM", interval=1.0).sampling == pytest.approx(1.6)
    assert plan(SOME, "SAMP_NUM", interval=1.0, sampling=0.25).sampling == 0.25
    with pytest.raises(OptionError, match="is no sampling window"):
        plan(SOME, "SAMP_NUM", interval=1.0, sampling=0)
    at_once = flows(timed(0, 0), timed(0, 0), timed(0, 0), timed(0, 9))
    with pytest.raises(InputError, match="the sampling window would be 0 s"):
        plan(at_once, "SAMP_SIZE", interval=1.0)
    assert plan(at_once, "SAMP_SIZE", interval=1.0, sampling=1).sampling == 1


def test_a_row_has_an_end_however_long_flows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.flows.spec.PACKETS_MAX", 3)
    assert plan(SOME, "SIZE", interval=1.0).packets == 3
