"""The learning rate over a run."""

__all__ = ["rate"]


def rate(images: int, epoch: int, hold: int, decay: int, at: str = "end") -> float:
    """What the learning rate is multiplied by when `images` were seen, of `epoch` images to a pass over the data.

    1 for `hold` passes, then it falls by 1/(decay + 1) with each; it changes between passes. With `at=end` pass
    hold + 1 is the first below 1 and pass hold + decay learns at 1/(decay + 1), as in the released code until 2020;
    with `at=start` each step comes a pass earlier, and the last pass learns nothing.
    """
    finished = images // max(epoch, 1) + (at == "start")
    return max(1 - max(0, finished + 1 - hold) / (decay + 1), 0.0) if decay else 1.0
