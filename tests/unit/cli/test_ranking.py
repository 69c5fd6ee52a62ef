from __future__ import annotations

from plugin.cli.ranking import anomalies, explained, ranking_lines, told
from plugin.ml.behaviour.finding import Finding
from plugin.ml.features import host
from plugin.ml.novelty.explain import Explanation, Feature
from plugin.ml.verdict import Role, Verdict, choose, judge


def test_confidence_bar_label() -> None:
    role = Role("known", ("Printer", "Camera", "Unknown"), (0.75, 0.254, 0.0), "m", None)
    assert ranking_lines(role, truth="Camera") == [
        "    0.75 ###############      Printer",
        "    0.25 #####                Camera  <- right",
    ]
    assert "right" not in "".join(ranking_lines(role))


def _role(model: str, decision: str, label: str, confidence: float) -> Role:
    rest = (1 - confidence, 0.001)
    return Role(decision, (label, "Other", "Third"), (confidence, *rest), model, "why")


def _verdict(*roles: Role) -> Verdict:
    return Verdict("m", (), "x.pcap", 9, 2, 0, 1, choose(roles), roles, ())


def test_no_guess_is_a_headline_where_no_model_knows() -> None:
    one = _verdict(
        _role("device", "unknown", "Plug", 0.6),
        _role("enterprise", "undetermined", "Workstation", 0.3),
    )
    assert one.role.model == "enterprise"  # in JSON
    assert told(one, truth="Plug") == [
        "    undetermined: no model knows this device; what each would guess",
        "      model device, unknown: Plug 0.60 <- right, Other 0.40 (why)",
        "      model enterprise, undetermined: Workstation 0.30, Other 0.70 (why)",
    ]


def test_the_one_that_knows_answers_and_no_zero_is_shown() -> None:
    one = _verdict(
        _role("device", "known", "Plug", 0.95), _role("enterprise", "unknown", "Workstation", 0.99)
    )
    assert told(one) == [
        "    known (model device): why",
        "    0.95 ###################  Plug",
        "    0.05 #                    Other",
        "    model enterprise, unknown: Workstation 0.99, Other 0.01",
    ]


def test_one_model_alone_says_why_it_does_not_know() -> None:
    role = _role("device", "unknown", "Plug", 0.6)
    assert told(_verdict(role)._replace(roles=()))[0] == "    unknown (model device): why"


def test_what_is_abnormal_is_told_in_words_and_no_finding_is_no_line() -> None:
    one = _verdict(_role("device", "known", "Plug", 0.95))
    assert anomalies(one) == anomalies(one._replace(anomaly=judge(()))) == []
    scan = Finding("horizontal-scan", 25.0, 25.0, ("25 hosts on TCP port 445 in 60 s",), ())
    line = "    anomalous: horizontal scan: 25 hosts on TCP port 445 in 60 s"
    assert anomalies(one._replace(anomaly=judge([scan]))) == [line]
    many = anomalies(one._replace(anomaly=judge([scan] * 8)))
    assert many == [line] * 5 + ["    anomalous: 3 more"]


def test_new_changed_and_normal_are_told_each_with_its_reasons() -> None:
    one = _verdict(_role("device", "known", "Plug", 0.95))
    like = Finding("novelty", 0.5, 1.0, ("like 12 reference captures of Plug",), ())
    unlike = like._replace(score=1.5, reasons=("unlike 12", "unusual: ttl 60, usual 64"))
    other = Finding("change", 2.0, 1.0, ("talks to others than before",), ())
    for anomaly, lines in (
        (judge((), like), ["    normal: like 12 reference captures of Plug"]),
        (judge((), unlike), ["    novel: unlike 12; unusual: ttl 60, usual 64"]),
        (judge((), like, other), ["    changed: talks to others than before"]),
        (
            judge((), unlike, other),
            [
                "    changed: talks to others than before",
                "    novel: unlike 12; unusual: ttl 60, usual 64",
            ],
        ),
    ):
        assert anomalies(one._replace(anomaly=anomaly)) == lines


def test_an_explanation_names_ten_features_and_how_far_they_are() -> None:
    one = _verdict(_role("device", "known", "Plug", 0.95))
    assert explained(one) == []
    features = (Feature("ttl", 60, 64, 64, 64, -4.0), *[Feature("x", 1, 0, 1, 2, 0)] * 20)
    lines = explained(one._replace(explanation=Explanation("Plug", 12, features)))
    assert lines[0] == (
        "    beside 12 references of Plug, the strangest features first;"
        " usual is the middle nine tenths, a spread the standard deviation over all references:"
    )
    assert lines[1] == "      ttl: 60, usual 64, 4 spreads below that"
    assert lines[2] == "      x: 1, usual 0 to 2"
    assert len(lines) == 11
    (first, *_) = explained(one._replace(explanation=Explanation(None, 300, features)))
    assert first.startswith("    beside 300 references of all that is known")


def test_an_explained_feature_has_its_meaning_and_unit() -> None:
    names = {unit: name for name, one in host.definitions().items() for unit in [_unit(one)]}
    one = _verdict(_role("device", "known", "Plug", 0.95))
    for unit, line in (
        ("share", "0.25 [share], usual 0 to 0.5, 1.5 spreads above that"),
        ("log10(1 + n)", "0.778, usual 0 to 2.16, 1.5 spreads above that"),
        ("0 or 1", "0.25, usual 0 to 0.5, 1.5 spreads above that"),
    ):
        name = names[unit]
        feature = Feature(name, 0.25, 0, 0.25, 0.5, 1.5)
        _, first, second = explained(one._replace(explanation=Explanation("x", 1, (feature,))))
        assert first == f"      {name}: {line}"
        assert f"{second.strip()} [{unit}]" == host.definitions()[name]


def _unit(meaning: str) -> str:
    return meaning.removesuffix("]").rpartition(" [")[2]


def test_a_reason_that_all_models_have_is_told_once() -> None:
    roles = [_role(name, "undetermined", "Plug", 0.3) for name in ("one", "two")]
    router = tuple(one._replace(reason="a router or gateway") for one in roles)
    lines = told(_verdict(*router))
    assert lines[0] == "    undetermined: a router or gateway; what each would guess"
    assert [line.endswith("0.70") for line in lines[1:]] == [True, True]
