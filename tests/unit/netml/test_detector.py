from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from plugin.errors import InputError, OptionError
from plugin.flows.spec import Spec
from plugin.netml import OCSVM, PCAP
from plugin.netml.detector import Loaded
from plugin.netml.rows import features, spec_of
from tests.netml_files import FLOWS, SMALL

ROWS = np.random.default_rng(0).normal(size=(60, 3))


def test_higher_is_more_abnormal_and_minus_one_is_abnormal() -> None:
    found = OCSVM(nu=0.1, gamma=0.5).fit(ROWS)
    scores = found.decision_function([[0, 0, 0], [9, 9, 9]])
    assert scores[1] > scores[0]
    assert found.predict([[0, 0, 0], [9, 9, 9]]).tolist() == [1, -1]
    assert found.score_samples([[9, 9, 9]])[0] == -scores[1]


def test_unfitted_and_ill_shaped_are_refused() -> None:
    with pytest.raises(NotFittedError):
        OCSVM().predict(ROWS)
    with pytest.raises(ValueError, match="NaN"):
        OCSVM().fit([[1.0, np.nan], [2.0, 3.0]])
    with pytest.raises(ValueError, match="3 features"):
        OCSVM().fit(ROWS).predict([[1, 2]])
    with pytest.raises(OptionError, match="nu"):
        OCSVM(nu=2).fit(ROWS)


def test_features_of_another_width_are_made_again_of_their_flows() -> None:
    """netml says here: X has 51 features, but OCSVM is expecting 71 features."""
    pcap = PCAP(SMALL)
    pcap.pcap2flows()
    pcap.flow2features("IAT")
    detector = OCSVM().fit(pcap.features)
    other = PCAP(SMALL)
    other.pcap2flows(q_interval=0.5)
    other.flow2features("IAT")
    assert other.features.shape[1] < pcap.features.shape[1]
    assert detector.predict(other.features).shape == (len(other.flows),)
    with pytest.raises(InputError, match="flow2features"):
        detector.predict(other.features[:5])  # a part has no flows to make rows of
    again = PCAP(SMALL)
    again.pcap2flows(interval=detector.spec_.interval if detector.spec_ else 0)
    again.flow2features("SIZE")
    same = detector.decision_function(again.features)
    assert same.tolist() == detector.decision_function(pcap.features).tolist()
    assert len(same) == FLOWS


def test_features_of_the_same_width_and_another_kind_are_not_scored_as_they_are() -> None:
    """IAT and SAMP_NUM have as many columns."""
    pcap = PCAP(SMALL)
    pcap.pcap2flows()
    pcap.flow2features("IAT")
    whole, part = pcap.features, pcap.features[:9]
    spec = spec_of(part)
    assert spec is not None
    detector = OCSVM().fit(whole)
    learned = detector.decision_function(whole)
    pcap.flow2features("SAMP_NUM")
    assert pcap.features.shape == whole.shape
    assert detector.decision_function(pcap.features).tolist() == learned.tolist()  # made again
    with pytest.raises(InputError, match="feature SAMP_NUM, not IAT"):
        detector.decision_function(pcap.features[:9])
    assert detector.decision_function(part).tolist() == learned[:9].tolist()
    other = features(np.asarray(part), dataclasses.replace(spec, interval=0.5))
    with pytest.raises(InputError, match=r"interval 0\.5, not"):
        detector.decision_function(other)
    chosen = features(np.asarray(part), dataclasses.replace(spec, last="keep"))
    assert detector.decision_function(chosen).tolist() == learned[:9].tolist()


def test_a_score_at_the_threshold_is_normal() -> None:
    found = OCSVM(nu=0.1, gamma=0.5).fit(ROWS)
    found.threshold_ = float(found.decision_function(ROWS[:1])[0])
    assert found.predict(ROWS[:1]).tolist() == [1]


def test_the_spec_comes_with_the_rows() -> None:
    spec = Spec(feature="SIZE", fft=False, header=False, packets=3, interval=1.0, sampling=None)
    assert OCSVM().fit(features(ROWS, spec)).spec_ == spec
    assert OCSVM().fit(ROWS).spec_ is None


def test_what_was_kept_of_another_name_only_scores() -> None:
    with pytest.raises(OptionError, match="only score"):
        Loaded().fit(ROWS)
