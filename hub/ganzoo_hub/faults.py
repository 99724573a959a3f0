"""What goes wrong between us and the Hub, each in one message with the next step."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganzoo_hub.client import endpoint
from zoo.errors import ZooError
from zoo.files import free_space

__all__ = ["NO_HUB", "explained"]

NO_HUB = "what answers there is no Hub. Check HF_ENDPOINT, and the network's proxy."
SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explained(doing: str, repository: str, after: str = "Nothing was changed; try again.") -> Iterator[None]:
    """Turn the client's errors into `doing` failed, why, and what to do; `after` says how things stand then."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        reason = reason_for(error, repository)
        if reason is None:
            raise
        raise ZooError(f"{doing} failed: {reason} {after}".strip()) from error


def reason_for(error: BaseException, repository: str) -> str | None:
    """One or two sentences on an error; None for what is no fault of Hub, network, disk or rights."""
    kinds = {kind.__name__ for kind in type(error).__mro__}  # httpx or httpx2, by the client's version
    cause = error.__cause__ or error.__context__
    if cause is not None and ("LocalEntryNotFoundError" in kinds or isinstance(error, RuntimeError)):
        return reason_for(cause, repository)
    if "OfflineModeIsEnabled" in kinds or "LocalEntryNotFoundError" in kinds:
        return "HF_HUB_OFFLINE is set, so the Hub is not asked. Unset it for this once."
    if isinstance(error, OSError) and error.errno in SPACE:
        return no_space(error)
    if "TimeoutException" in kinds:
        return (
            f"{endpoint()} is slow: no answer in the time allowed. Allow more with HF_HUB_ETAG_TIMEOUT=60 and "
            "HF_HUB_DOWNLOAD_TIMEOUT=60 (seconds)."
        )
    if (response := getattr(error, "response", None)) is not None:
        return refusal(kinds, response, repository)
    if "TransportError" in kinds or "ConnectionError" in kinds:
        return f"{endpoint()} is not reached ({brief(error)}). Check the network, and HF_ENDPOINT if it is set."
    if "FileMetadataError" in kinds:
        return NO_HUB
    if isinstance(error, OSError) and "Consistency check" in str(error):
        return "a file arrived in another size than announced."
    if isinstance(error, ValueError):
        return f"the Hub refuses what was sent: {brief(error)}."
    return None


def refusal(kinds: set[str], response: Any, repository: str) -> str:
    """What an answer other than success means."""
    status, said = response.status_code, response.headers.get("X-Error-Message") or ""
    page = f"{endpoint()}/{repository}"
    if "GatedRepoError" in kinds:
        return f"{repository} is gated. Ask for access on {page}, and log in with that account: hf auth login."
    if "RevisionNotFoundError" in kinds:
        return f"{repository} has no such revision. {page}/tree/main shows its branches and tags."
    if "EntryNotFoundError" in kinds:
        return f"{repository} lacks a file that a model of ganzoo has ({path_of(response)})."
    if "RepositoryNotFoundError" in kinds:
        return (
            f"{repository} is not found on {endpoint()}, or is private and not yours to see. Check the spelling; for a "
            "private one log in: hf auth login."
        )
    told = {
        401: "the token is not valid (any more). Make one on the page settings/tokens, then: hf auth login.",
        403: f"no permission for {repository} ({said or 'forbidden'}). Use a token with write access: hf auth login.",
        409: f"{repository} is being changed by someone else right now.",
        412: f"{repository} has changed since it was looked at: someone else committed.",
        413: "the Hub takes no files this large from this account.",
        429: "the Hub asks for patience: too many requests from here. Wait a few minutes.",
    }
    if status in told:
        return told[status]
    if status >= 500:
        return f"{endpoint()} is down or overloaded (it answers {status})."
    return f"the Hub refuses ({status}: {said or brief_text(response)})."


def path_of(response: Any) -> str:
    """The file that a request was about."""
    return str(response.request.url.path).rpartition("/")[2]


def brief_text(response: Any) -> str:
    """The first line of an answer that was read."""
    try:
        return str(response.text).strip().splitlines()[0][:200]
    except Exception:  # an answer whose body was never read has no text
        return "without a reason"


def no_space(error: OSError) -> str:
    """Which disk is full."""
    from huggingface_hub.constants import HF_HUB_CACHE

    where = Path(str(error.filename or HF_HUB_CACHE))
    return (
        f"no space is left for {where} ({free_space(where)}). Free some, or name a larger disk by HF_HOME "
        "(files of the Hub) and GANZOO_CACHE (ours)."
    )


def brief(error: BaseException) -> str:
    """An error's first line."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__
