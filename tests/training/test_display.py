"""What a person reads while a run goes."""

from zoo.training.display import Display, duration, shown

LINE = {
    "images": 12_345,
    "loss": {"D/real": 0.5, "D/fake": 0.25, "G/adv": 1.5},
    "health": {"critic/d_real": 1.0, "critic/d_fake": -2.0, "critic/r_real": 0.3, "critic/diversity": 0.8},
    "time": {"images_per_second": 250.4, "left": 3725.0, "memory_gb": 1.25},
}


def test_durations():
    assert [duration(s) for s in (5, 65, 3725)] == ["0:05", "1:05", "1:02:05"]


def test_a_line_sums_the_terms_of_a_player():
    text = shown(LINE)
    for part in ("12.3 kimg", "loss D 0.750", "loss G 1.500", "D(real) +1.00", "D(fake) -2.00", "r_t +0.30"):
        assert part in text
    assert "1:02:05 left" in text
    assert "250 img/s" in text


def test_plain_lines_are_rare_and_events_are_not(capsys):
    display = Display()
    display.start(100, "kimg")
    display.progress(1, LINE)
    display.progress(2, LINE)
    display.say("Warning: something.")
    display.stop()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[1] == "Warning: something."


def test_quiet_is_quiet(capsys):
    display = Display(quiet=True)
    display.progress(1, LINE)
    display.say("hello")
    assert capsys.readouterr().err == ""
