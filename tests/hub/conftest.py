"""Running commands, and plugins of others."""

from tests.cli.conftest import run
from tests.fake_plugins import fakes

__all__ = ["fakes", "run"]
