"""The report of a model of flows as a file."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from plugin.errors import OptionError
from plugin.flows.spec import Spec
from plugin.ml.flow_model import FlowModel, Training, learn
from plugin.offline import flow_report
from plugin.offline.flow_files import ROW
from plugin.offline.flow_report import pairs_of, report_form, report_of, write_report

N = 40
SPEC = Spec(
    feature="SIZE", fft=False, header=False, packets=3, interval=2.5, sampling=None, last="keep"
)


class Flows(NamedTuple):
    features: NDArray[np.float64]
    labels: NDArray[np.int8] | None
    rows: NDArray[np.void]


def flows() -> Flows:
    random = np.random.default_rng(5)
    features = random.normal(100, 5, (N, 3))
    labels = np.zeros(N, np.int8)
    features[-4:, 1] += 500
    labels[-4:] = 1
    rows = np.zeros(N, ROW)
    for side in ("src_ip", "dst_ip"):
        rows[side][:, 10:12] = 255
        rows[side][:, 12] = 10
    rows["src_ip"][:, 15] = np.arange(N) % 8
    rows["dst_ip"][:, 15] = 200
    rows["src_port"], rows["dst_port"], rows["proto"] = 5000, 443, 6
    rows["begin"] = 1_499_083_690_990_417_000
    rows["end"] = rows["begin"] + 1_500_000_000
    rows["packets"], rows["bytes"] = 3, 300
    return Flows(features, labels, rows)


def left_out() -> Flows:
    """Those that the model below did not learn."""
    whole = flows()
    assert whole.labels is not None
    return Flows(whole.features[20:], whole.labels[20:], whole.rows[20:])


@pytest.fixture(scope="module")
def model() -> FlowModel:
    how = Training(algorithm="knn", name="lab", counts={"flows": N}, seed=3)
    return learn(flows().features[:20], SPEC.document(), how)


def test_the_report_tells_of_the_tested_flows_and_why(model: FlowModel) -> None:
    found = report_of(model, left_out(), top=6, notes=("mine",))
    assert found.curve is not None
    assert found.curve.auc == 1.0
    assert len(found.scores) == 20
    assert [one.label for one in found.top] == [1, 1, 1, 1, 0, 0]
    assert [one.score for one in found.top] == sorted((o.score for o in found.top), reverse=True)
    first = found.top[0]
    assert first.flow.startswith("10.0.0.")
    assert first.flow.endswith(":5000 → 10.0.0.200:443 TCP")
    assert first.began == "2017-07-03 12:08:10"
    assert (first.seconds, first.packets, first.size) == (1.5, 3, 300)
    assert first.reasons[0].startswith("size_2 ")
    assert "usual" in first.reasons[0]
    assert found.notes == ("mine",)
    assert found.called.sum() >= 4
    assert dict(found.facts)["features"] == "SIZE, 3 columns"
    assert dict(found.facts)["learned from"] == "40 flows"
    assert "knn (" in dict(found.facts)["algorithm"]


def test_flows_that_were_learned_are_told_so_and_need_no_labels(model: FlowModel) -> None:
    found = report_of(model, flows()._replace(labels=None), learned=True)
    assert found.notes == (flow_report.LEARNED,)
    assert len(found.scores) == N
    assert set(found.labels.tolist()) == {-1}
    assert found.document()["auc"] is None


def test_a_pair_of_machines_is_one_whoever_sends() -> None:
    rows = np.zeros(4, ROW)
    ends = [(1, 2), (2, 1), (1, 3), (256, 2)]
    for row, (source, target) in zip(rows, ends, strict=True):
        row["src_ip"][14:] = divmod(source, 256)
        row["dst_ip"][14:] = divmod(target, 256)
    groups = pairs_of(rows)
    assert groups[0] == groups[1]
    assert len({*groups.tolist()}) == 3
    assert pairs_of(rows[:0]).shape == (0,)


def test_the_name_says_the_form() -> None:
    assert report_form(Path("x.HTML")) == "html"
    assert report_form(Path("x.htm")) == "html"
    assert report_form(Path("x.png")) == "png"
    with pytest.raises(OptionError, match=r"\.html or \.png"):
        report_form(Path("report.pdf"))


def test_a_picture_without_matplotlib_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionError, match=r"halia\[plot\]"):
        report_form(Path("x.png"))
    assert report_form(Path("x.html")) == "html"


@pytest.mark.parametrize(("form", "begin"), [("html", b"<!doctype"), ("png", b"\x89PNG")])
def test_both_forms_are_written(model: FlowModel, form: str, begin: bytes) -> None:
    out = io.BytesIO()
    write_report(out, form, report_of(model, left_out()))
    assert out.getvalue().startswith(begin)


def test_ipv6_ends_stand_in_brackets(model: FlowModel) -> None:
    given = left_out()
    given.rows["src_ip"][:, :2] = 0x20, 0x01
    found = report_of(model, given, top=1)
    assert found.top[0].flow.startswith("[2001:")
