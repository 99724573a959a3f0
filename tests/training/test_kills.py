"""kill -9 at any moment: no unreadable checkpoint, no differing end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def killed(folder: Path, pictures: Path, kills: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.training.kill_runs", str(folder), str(pictures), str(kills)]
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_two_hundred_random_kills(tmp_path, pictures):
    result = killed(tmp_path, pictures, 200)
    print(result)
    assert result["kills"] == 200
    assert result["finished"] > 0
    assert result["unreadable"] == result["differing"] == result["failed"] == 0
