"""What data sets, metrics and importers owe."""

from typing import Any

import numpy as np

from zoo.data.source import Source, open_source
from zoo.errors import ZooError
from zoo.evaluation.naming import find_metric
from zoo.importing import ForeignFile, Importer
from zoo.metric import Case, Metric, Seen
from zoo.metrics.frechet import Moments
from zoo.plugins import registry
from zoo.registry import Registered
from zoo.testing.kit import NotApplicable, owes, refusal

__all__: list[str] = []


@owes("dataset")
def opens(one: Registered) -> None:
    """Opens, or says how to get it."""
    if absent := refusal(lambda: open_source(one.qualified)):
        assert len(str(absent)) > 40, f"no way to get it is named: {absent}"
        return
    source = open_source(one.qualified)
    assert isinstance(source, Source), f"the target makes a {type(source).__name__}, not a zoo.data.Source"
    assert len(source) > 0
    assert source.licence, "no licence: a user must know what the pictures may be used for"
    assert source.read(0), "the first picture has no bytes"
    assert source.fingerprint() == open_source(one.qualified).fingerprint(), "two openings have two fingerprints"


@owes("metric")
def measures(one: Registered) -> None:
    """Is made with its defaults, or says what it lacks; one on pixels gives finite numbers."""
    if absent := refusal(lambda: find_metric(one.qualified)):
        assert len(str(absent)) > 40, f"what is missing is not named: {absent}"
        return
    metric = find_metric(one.qualified)
    assert isinstance(metric, Metric)
    if metric.view.network or not metric.reads_rows:
        raise NotApplicable("it looks through a network")
    rng = np.random.default_rng(0)
    real, fake = (rng.integers(0, 256, (64, 32, 32, 3), dtype=np.uint8) for _ in range(2))
    case = Case(Seen(real, Moments()), Seen(fake, Moments()), target=np.arange(64))
    try:
        values: Any = metric.measure(case)
    except ZooError as lack:
        raise NotApplicable(f"it asks for more than pictures: {str(lack).splitlines()[0]}") from lack
    assert values, "it measures nothing"
    assert all(np.isfinite(value) for value in values.values()), f"not finite: {values}"


@owes("importer")
def recognises(one: Registered) -> None:
    """Takes no file for its own that holds nothing."""
    target = registry().load("importer", one.qualified)
    importer = target() if isinstance(target, type) else target
    assert isinstance(importer, Importer), f"the target is a {type(importer).__name__}, not a zoo.Importer"
    assert not importer.recognises(ForeignFile({})), "it recognises an empty file"
