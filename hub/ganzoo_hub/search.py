"""Models on the Hub that ganzoo can load."""

from dataclasses import dataclass

from ganzoo_hub.client import api, offline
from ganzoo_hub.faults import explained
from zoo.errors import InvalidOptions, ZooError
from zoo.plugins import registry

__all__ = ["TAG", "Found", "search"]

TAG = "ganzoo"


@dataclass(frozen=True, slots=True)
class Found:
    """One model, as the Hub lists it."""

    repository: str
    architecture: str  # empty where its tags name none that is registered here
    downloads: int  # in the last month
    likes: int
    updated: str  # day; empty if not told
    private: bool


def search(query: str = "", limit: int = 30) -> list[Found]:
    """Models tagged `ganzoo` that match `query`, the most downloaded first. One request."""
    if not 1 <= limit <= 1000:
        raise InvalidOptions([f"--limit is {limit}; it must be between 1 and 1000."])
    if offline():
        raise ZooError("HF_HUB_OFFLINE is set, and searching needs the Hub. Unset it for this once.")
    known = {one.name for one in registry().select("architecture")}
    with explained("Searching", "the Hub", "Try again."):
        listed = list(api().list_models(filter=TAG, search=query or None, sort="downloads", limit=limit))
    return [
        Found(
            one.id,
            next((tag for tag in one.tags or () if tag in known), ""),
            one.downloads or 0,
            one.likes or 0,
            f"{when:%Y-%m-%d}" if (when := one.last_modified or one.created_at) else "",
            bool(one.private),
        )
        for one in listed
    ]
