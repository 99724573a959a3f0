import numpy as np

from zoo.data.order import coins, mix, permutation, stream


def splitmix(key: int, counter: int) -> int:
    """The published algorithm on Python's integers."""
    mask = (1 << 64) - 1
    z = (key + (counter + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_mix_is_splitmix() -> None:
    counters = np.array([0, 1, 2, 10**12, 2**62])
    for key in (0, 1234567, 2**64 - 1):
        assert mix(key, counters).tolist() == [splitmix(key, int(i)) for i in counters]
    # the first outputs of the reference implementation for seed 1234567
    assert mix(1234567, np.arange(2)).tolist() == [6457827717110365317, 3203168211198807973]


def test_a_permutation_holds_every_item_once_and_differs_by_pass() -> None:
    first, second = permutation(1, 0, 100), permutation(1, 1, 100)
    assert sorted(first.tolist()) == list(range(100))
    assert first.tolist() == permutation(1, 0, 100).tolist()
    assert first.tolist() != second.tolist()
    assert first.tolist() != permutation(2, 0, 100).tolist()


def test_every_item_comes_first_equally_often() -> None:
    firsts = np.bincount([permutation(0, epoch, 5)[0] for epoch in range(5000)], minlength=5)
    assert ((firsts - 1000) ** 2 / 1000).sum() < 18.5  # chi-square, 4 degrees, p = 0.001


def test_the_order_never_changes_between_versions() -> None:
    assert permutation(0, 0, 8).tolist() == [5, 7, 6, 4, 0, 3, 1, 2]
    assert coins(0, np.arange(8), "mirror").tolist() == [True, False, False, False, False, False, False, True]


def test_coins_are_fair_and_independent_of_position_split() -> None:
    places = np.arange(10_000)
    flips = coins(3, places, "mirror")
    assert abs(flips.mean() - 0.5) < 0.02
    assert flips[100:200].tolist() == coins(3, places[100:200], "mirror").tolist()
    assert abs((flips == coins(3, places, "caption")).mean() - 0.5) < 0.02
    assert abs((flips == coins(4, places, "mirror")).mean() - 0.5) < 0.02


def test_streams_differ_by_every_word() -> None:
    keys = {stream(seed, *words) for seed in (0, 1) for words in (("a",), ("b",), ("a", 1), ("a", 2), (1, "a"))}
    assert len(keys) == 10
