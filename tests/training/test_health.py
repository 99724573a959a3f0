"""Warnings come when they should and only then."""

from zoo.training.health import PATIENCE, warnings


def log(n=PATIENCE, **signals):
    return [{"health": {f"critic/{name}": value for name, value in signals.items()}}] * n


HEALTHY = {"r_real": 0.4, "r_fake": -0.4, "diversity": 0.9}


def test_a_healthy_run_hears_nothing():
    assert warnings(log(**HEALTHY), 100) == {}


def test_d_has_won():
    assert list(warnings(log(r_real=1.0, r_fake=-1.0, diversity=0.9), 100)) == ["D has won"]


def test_d_memorises_and_is_told_how_many_images():
    found = warnings(log(r_real=0.9, r_fake=-0.5, diversity=0.9), 1709)
    assert list(found) == ["D memorises"]
    assert "1,709" in found["D memorises"]


def test_samples_collapse():
    assert list(warnings(log(**{**HEALTHY, "diversity": 0.1}), 100)) == ["samples collapse"]


def test_one_good_line_is_enough_to_wait():
    lines = log(n=PATIENCE - 1, r_real=1.0, r_fake=-1.0) + log(n=1, **HEALTHY)
    assert warnings(lines, 100) == {}
    assert warnings(log(n=PATIENCE - 1, r_real=1.0, r_fake=-1.0), 100) == {}


def test_a_loss_without_a_boundary_gives_no_signs():
    assert warnings(log(diversity=0.9), 100) == {}


def test_lines_that_hold_only_scores_are_passed_over():
    lines = [row for line in log(r_real=1.0, r_fake=-1.0) for row in (line, {"health": {}})]
    assert "D has won" in warnings(lines, 100)
