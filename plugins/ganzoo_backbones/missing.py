"""What to say, and to do, where weights are not at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo import ZooError

__all__ = ["downloaded", "missing_weights", "revision"]

FILES = ("model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin", "open_clip_pytorch_model.bin")


@contextmanager
def missing_weights(reference: str, remedy: str) -> Iterator[None]:
    """Turn any failure to get weights into a ZooError with its cause, the remedy and the random way out."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        cause = str(error).strip().partition("\n")[0]
        if reference.startswith(("timm", "clip")):
            way_out = f"{reference};random=true"
        else:
            way_out = f"{reference}:random=true"
        raise ZooError(
            f"The weights of backbone '{reference}' cannot be had: {type(error).__name__}: {cause}\n{remedy} "
            f"Features of random weights, for trials alone: {way_out}"
        ) from error


def downloaded(what: str) -> str:
    """The remedy for weights that come from the Hub."""
    return (
        f"The weights of {what} are downloaded from the Hugging Face Hub when first used: run this once with a "
        "network, or copy the Hub's cache (HF_HOME) of a machine that has them. Without a network: efficientnet-lite0."
    )


def revision(repository: str) -> str:
    """`owner/name@commit` of weights in the Hub's cache; empty where they came from elsewhere."""
    from huggingface_hub import try_to_load_from_cache

    for file in FILES:
        found = try_to_load_from_cache(repository, file) if "/" in repository else None
        if isinstance(found, str):
            return f"{repository}@{Path(found).parent.name}"
    return ""
