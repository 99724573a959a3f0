"""Files in the layouts of official checkpoints, written from plain tensors: no official code takes part."""

import io
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

RECONSTRUCT = "torch_utils.persistence._reconstruct_persistent_obj"
DNNLIB = "dnnlib.tflib.network.Network"
SOURCE = "import os\nos.system('touch executed')  # source text in the file: it must stay text\n"


class Persistent:
    """A module as NVIDIA's persistence pickles it: a call with the class's name, its source text and its state."""

    def __init__(self, kind: str, state: dict[str, Any]) -> None:
        self.kind, self.state = kind, state

    def __reduce__(self) -> Any:
        meta = {"type": "class", "version": 6, "module_src": SOURCE, "class_name": self.kind, "state": self.state}
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


@contextmanager
def pretended(names: Mapping[str, Any]) -> Iterator[None]:
    """Let objects be importable as "package.module.name" while pickles are written."""
    before = dict(sys.modules)
    for dotted, value in names.items():
        place, _, name = dotted.rpartition(".")
        parents = place.split(".")
        for depth in range(1, len(parents) + 1):
            module = ".".join(parents[:depth])
            sys.modules.setdefault(module, types.ModuleType(module))
        value.__module__, value.__qualname__, value.__name__ = place, name, name
        setattr(sys.modules[place], name, value)
    try:
        yield
    finally:
        for module in sys.modules.keys() - before.keys():
            del sys.modules[module]


def reconstruct(meta: Mapping[str, Any]) -> None:
    """Stands for the function that official files call."""


def persistent(
    kind: str, tensors: Mapping[str, Tensor], values: Mapping[str, Any], arguments: Mapping[str, Any], path: str = ""
) -> Persistent:
    """A tree of modules with these tensors (parameters and buffers alike) and attributes by dotted names."""
    state: dict[str, Any] = {"training": False, "_parameters": OrderedDict(), "_buffers": OrderedDict()}
    state |= {"_non_persistent_buffers_set": set(), "_backward_hooks": OrderedDict(), "_modules": OrderedDict()}
    if not path:
        state |= {"_init_args": (), "_init_kwargs": EasyDict(arguments)}
    for name in dict.fromkeys([*tensors, *values]):
        if name.startswith(path):
            head, dot, _ = name.removeprefix(path).partition(".")
            if dot and head not in state["_modules"]:
                state["_modules"][head] = persistent("Layer", tensors, values, {}, f"{path}{head}.")
            elif not dot and name in tensors:
                buffer = head in ("noise_const", "resample_filter", "w_avg")
                value = tensors[name].clone()
                state["_buffers" if buffer else "_parameters"][head] = value if buffer else torch.nn.Parameter(value)
            elif not dot:
                state[head] = values[name]
    return Persistent(kind, state)


class EasyDict(dict):  # type: ignore[type-arg]
    """As dnnlib's."""


def write_torch_pickle(path: Path, content: Any, protocol: int = 4) -> Path:
    """A .pkl of persistent modules."""
    with pretended({RECONSTRUCT: reconstruct, "dnnlib.util.EasyDict": EasyDict}):
        path.write_bytes(pickle.dumps(content, protocol))
    return path


class Network:
    """As dnnlib.tflib.network.Network: its state is a dictionary."""

    def __init__(self, **state: Any) -> None:
        self.state = state

    def __getstate__(self) -> dict[str, Any]:
        return self.state

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise AssertionError("the reader calls nothing of a file")


def tensorflow(
    name: str,
    variables: Mapping[str, Tensor],
    arguments: Mapping[str, Any],
    components: Mapping[str, Network] | None = None,
    version: int = 5,
) -> Network:
    """A TensorFlow network with its variables as numpy arrays."""
    return Network(
        version=version,
        name=name.partition("_")[0],
        static_kwargs=EasyDict(arguments),
        components=EasyDict(components or {}),
        build_module_src=SOURCE,
        build_func_name=name,
        variables=[(key, value.numpy()) for key, value in variables.items()],
    )


def write_tensorflow_pickle(path: Path, networks: tuple[Network, ...], name: str = DNNLIB) -> Path:
    """A .pkl of (G, D, Gs)."""
    with pretended({name: Network, "dnnlib.util.EasyDict": EasyDict}):
        path.write_bytes(pickle.dumps(networks, 4))
    return path


class BaseConfig:
    """As pytorch_GAN_zoo's: attributes alone."""


def write_facebook(path: Path, content: dict[str, Any], config: Mapping[str, Any], zipped: bool = False) -> Path:
    """A .pth with `config`, as torch.save wrote it before it zipped, or since."""
    made = BaseConfig()
    vars(made).update(config)
    with pretended({"models.utils.config.BaseConfig": BaseConfig}):
        torch.save({"config": made, **content}, path, _use_new_zipfile_serialization=zipped)
    return path


def legacy(content: Any) -> bytes:
    """What torch.save wrote before it zipped."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()
