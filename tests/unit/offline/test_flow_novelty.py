from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import InputError, ModelError
from plugin.ml.behaviour.finding import Finding
from plugin.ml.flow_model import FlowModel
from plugin.ml.verdict import KNOWN, NOVEL, UNDETERMINED, UNKNOWN, Role
from plugin.offline.classify import Options, classify_capture, needs_packets
from plugin.offline.flow_learning import Input, Wanted, extract
from plugin.offline.flow_novelty import (
    FlowNovelties,
    check_roles,
    larger,
    load_flow_models,
    sure_share,
)
from plugin.offline.flow_training import Recipe, save_flow_model, train
from plugin.offline.read import read_capture
from tests import frames as f
from tests.models import tiny_net

MAC, OTHER = "0e:00:00:00:00:01", "0e:00:00:00:00:02"


def role(label: str = "Printer", decision: str = KNOWN) -> Role:
    return Role(decision, (label, "x", "y"), (1.0, 0.0, 0.0), "m", None)


def flows(number: int, apart: float) -> bytes:
    """Flows of 5 packets from ports of their own, one each second."""
    frames = [
        f.Frame(
            round((n + k * apart * (1 + n % 7 / 20)) * f.SECOND),
            f.ethernet(f.ipv4(f.tcp(10_000 + n, 80, f.ACK, b""), 6)),
        )
        for n in range(number)
        for k in range(5)
    ]
    return f.pcap(*sorted(frames))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flows")
    (folder / "usual.pcap").write_bytes(flows(60, 0.01))
    (folder / "unusual.pcap").write_bytes(flows(30, 0.1))
    wanted = Wanted(feature="STATS", interval=5.0)
    save_flow_model(
        train(extract([Input(folder / "usual.pcap")], wanted), Recipe(name="m")).model,
        folder / "m",
    )
    return folder


@pytest.fixture(scope="module")
def model(learned: Path) -> FlowModel:
    return load_flow_models([f"*={learned / 'm'}"])["*"]


def finding(learned: Path, name: str, models: dict[str, FlowModel], who: Role) -> Finding | None:
    capture = read_capture(learned / name, packets=True)
    return FlowNovelties(capture, models).of(MAC, ("10.0.0.1",), who)


def test_flows_unlike_those_learned_are_novel_and_others_are_not(
    learned: Path, model: FlowModel
) -> None:
    unusual = finding(learned, "unusual.pcap", {"Printer": model}, role())
    assert unusual is not None
    assert unusual.name == "novelty"
    assert unusual.score == sure_share(30, 30) > unusual.threshold == 0.1
    assert unusual.reasons[0].startswith("30 of the 30 flows it sends are unlike those that m has")
    assert any("usually" in one for one in unusual.reasons[1:])
    assert unusual.evidence[0].startswith("tcp to 10.0.0.2 port ")
    usual = finding(learned, "usual.pcap", {"Printer": model}, role())
    assert usual is not None
    assert usual.score < usual.threshold


def test_whom_a_model_is_for(learned: Path, model: FlowModel) -> None:
    name = "unusual.pcap"
    assert finding(learned, name, {"Printer": model}, role("Server")) is None
    assert finding(learned, name, {"*": model}, role("Server")) is not None
    assert finding(learned, name, {"Printer": model}, role(decision=UNKNOWN)) is None
    assert finding(learned, name, {"*": model}, role(decision=UNKNOWN)) is not None
    assert finding(learned, name, {"*": model}, role(decision=UNDETERMINED)) is None


def test_too_few_flows_say_nothing(learned: Path, model: FlowModel, tmp_path: Path) -> None:
    (tmp_path / "few.pcap").write_bytes(flows(9, 0.1))
    assert finding(tmp_path, "few.pcap", {"*": model}, role()) is None
    capture = read_capture(learned / "unusual.pcap", packets=True)
    assert FlowNovelties(capture, {"*": model}).of(OTHER, (), role()) is None


def test_of_many_flows_some_are_drawn(
    learned: Path, model: FlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.offline.flow_novelty.FLOWS_MOST", 20)
    drawn = finding(learned, "unusual.pcap", {"*": model}, role())
    assert drawn is not None
    assert drawn.reasons[0].startswith("20 of 20 drawn from the 30 flows it sends are unlike")
    assert drawn.score == sure_share(20, 20)
    assert drawn == finding(learned, "unusual.pcap", {"*": model}, role())


def test_the_larger_novelty_speaks_and_flows_alone_never_say_normal() -> None:
    low, high = (Finding("novelty", score, 1.0, (), ()) for score in (0.5, 2.0))
    other = Finding("novelty", 0.15, 0.1, (), ())
    assert larger(None, None) is None
    assert larger(low, None) is low
    assert larger(None, low) is None
    assert larger(None, other) is other
    assert larger(low, other) is other
    assert larger(high, other) is high


def test_a_verdict_is_novel_by_flows_and_not_anomalous(learned: Path, model: FlowModel) -> None:
    nets, models = [tiny_net()], {"*": model}
    assert needs_packets(nets, None, models)
    capture = read_capture(learned / "unusual.pcap", packets=True)
    without = {one.mac: one for one in classify_capture(capture, nets)}
    found = {one.mac: one for one in classify_capture(capture, nets, Options(flows=models))}
    assert without[MAC].anomaly is None
    assert without[MAC].role.decision != UNDETERMINED
    anomaly = found[MAC].anomaly
    assert anomaly is not None
    assert anomaly.verdict == NOVEL
    assert anomaly.behaviour == ()


def test_the_share_that_is_sure() -> None:
    assert sure_share(0, 10) == 0.0
    assert sure_share(5, 10) == pytest.approx(0.1842, abs=1e-4)
    assert sure_share(500, 1000) == pytest.approx(0.4594, abs=1e-4)


def test_models_are_loaded_once_and_wrong_ones_told(learned: Path) -> None:
    name = str(learned / "m")
    found = load_flow_models([f"Printer={name}", f"*={name}"])
    assert found["Printer"] is found["*"]
    with pytest.raises(ModelError, match=r"^--flows, role \*: none-of-that-name: no such"):
        load_flow_models(["*=none-of-that-name"], where="--flows")
    with pytest.raises(InputError, match=r"^detect.flows, role Printer: is named twice"):
        load_flow_models([f"Printer={name}", f"Printer ={name}"])


def test_a_role_that_no_model_says_is_told_with_the_nearest() -> None:
    nets = [tiny_net(("Printer", "B", "C", "D")), tiny_net(("E", "F", "G", "H"))]
    check_roles(["*", "Printer", "H"], nets)
    check_roles([], [])
    with pytest.raises(ModelError, match=r"^detect.flows, role printer: .*'Printer'\?$"):
        check_roles(["*", "printer"], nets)
