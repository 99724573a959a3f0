"""Plain warnings from the log: D has won, samples collapse, D memorises."""

from collections.abc import Mapping, Sequence

__all__ = ["warnings"]

PATIENCE = 10  # lines of the log that must agree
Line = Mapping[str, Mapping[str, float]]


def warnings(lines: Sequence[Line], items: int) -> dict[str, str]:
    """What is going wrong over the latest lines of a log, by name, each with what to try; mostly nothing.

    Reads, per critic, r_real = E[sign D(real)] and r_fake = E[sign D(fake)] in [-1, 1], and diversity, the
    spread of the fakes over that of the reals.
    """
    recent = [line["health"] for line in lines if line["health"]][-PATIENCE:]
    if len(recent) < PATIENCE:
        return {}
    found = {}
    for critic in sorted({name.rsplit("/", 1)[0] for line in recent for name in line}):
        real, fake = series(recent, f"{critic}/r_real"), series(recent, f"{critic}/r_fake")
        if real and fake and min(real) > 0.97 and max(fake) < -0.97:
            found["D has won"] = (
                f"{critic} tells every real from every fake, so the generator learns little: try a smoothing "
                "regularizer (--regularize r1:gamma=10), --augment diffaugment, or a lower learning rate for D."
            )
        elif real and min(real) > 0.8:
            found["D memorises"] = (
                f"{critic} is sure of the reals (r_t > 0.8), a sign that it learns the {items:,} training images "
                "by heart: try --augment diffaugment, more images, or --mirror."
            )
        spread = series(recent, f"{critic}/diversity")
        if spread and max(spread) < 0.3:
            found["samples collapse"] = (
                f"fakes vary less than 0.3 times as much as reals (now {spread[-1]:.2f}): start again with a "
                "lower learning rate or a larger --batch."
            )
    return found


def series(lines: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """A signal over the lines that have it; empty unless all do."""
    values = [line[name] for line in lines if name in line]
    return values if len(values) == len(lines) else []
