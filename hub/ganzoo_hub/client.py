"""The Hub's own client, as we call it. Imported when something is asked of the Hub, for it takes 200 ms."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["api", "endpoint", "hushed", "offline", "token"]

YES = ("1", "ON", "YES", "TRUE")


def endpoint() -> str:
    """Where the Hub is: $HF_ENDPOINT, or huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def offline() -> bool:
    """Whether the user forbids requests."""
    return any(os.environ.get(name, "").upper() in YES for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def token() -> str | None:
    """The user's token: $HF_TOKEN, or that of `hf auth login`."""
    from huggingface_hub import get_token

    return get_token()


def api() -> "HfApi":
    """A client of the endpoint."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint(), library_name="ganzoo", library_version=version("ganzoo"))


@contextmanager
def hushed(quiet: bool) -> Iterator[None]:
    """Without the client's progress bars, where `quiet`."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if not quiet or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
