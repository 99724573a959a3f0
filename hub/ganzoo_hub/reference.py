"""Names of models on the Hub: `hf:owner/name@revision`."""

import re
from dataclasses import dataclass

from zoo.errors import ZooError

__all__ = ["MAIN", "Reference", "is_commit", "parse"]

MAIN = "main"
"""The branch that is meant where none is given."""

PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
FORM = re.compile(rf"(?:hf:(?://)?(?:models/)?)?(?P<id>{PART}/{PART})(?:@(?P<revision>[A-Za-z0-9][\w./-]*))?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A model repository at a revision."""

    id: str  # owner/name
    revision: str = MAIN  # branch, tag or commit

    def __str__(self) -> str:
        return f"hf:{self.id}" + ("" if self.revision == MAIN else f"@{self.revision}")

    def at(self, commit: str) -> "Reference":
        """The same at a commit."""
        return Reference(self.id, commit)


def parse(text: str) -> Reference:
    """Read `hf:owner/name[@revision]`, `hf://...` or a bare `owner/name[@revision]`. Raises ZooError with the form."""
    match = FORM.fullmatch(text.strip())
    found = match and Reference(match["id"], match["revision"] or MAIN)
    if found is None or ".." in text or "--" in found.id or any(len(part) > 96 for part in found.id.split("/")):
        raise ZooError(f"{text!r} is no model on the Hub; write hf:owner/name or hf:owner/name@revision.")
    return found


def is_commit(revision: str) -> bool:
    """Whether a revision is a whole commit hash, which never changes what it names."""
    return bool(re.fullmatch(r"[0-9a-f]{40}", revision))
