"""From the values in a file to its networks: names and tensors, whatever framework wrote them."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo_hub.arrays import Array
from ganzoo_hub.pickles import Budget, Inert, RefusedPickle, brief
from ganzoo_hub.torch_files import EMBEDDED, read_graph
from zoo.errors import ZooError
from zoo.importing import ForeignFile, ForeignNetwork

__all__ = ["open_foreign"]

TENSORFLOW = ("dnnlib.tflib.network.Network", "tfutil.Network")
DEPTH, PARTS, PATH, TEXT = 32, 100_000, 1_000, 1_000
"""Modules within modules, values in all, letters of a dotted name and of a text: what is shared is met on every path
to it."""

LARGEST = 2**63


def open_foreign(path: Path, classes: tuple[str, ...] = ()) -> ForeignFile:
    """The networks in a .pkl or .pth file; `classes` are further class names that become inert stand-ins.

    Raises ZooError when the file is broken, names anything else, or holds no network.
    """
    patterns = (*TENSORFLOW, *classes)
    graph = read_graph(path, lambda name: any(fnmatchcase(name, pattern) for pattern in patterns))
    try:
        return networks_of(graph, Walk(path.stat().st_size))
    except RefusedPickle as refusal:
        raise ZooError(f"{path} is not read: {refusal}.") from None
    except ZooError as error:
        raise ZooError(f"{path} is not read: {error}") from None


def networks_of(graph: Any, walk: "Walk") -> ForeignFile:
    """The file's layout: one network, a tuple of G, D and averaged G, or a dictionary of them."""
    if isinstance(graph, Inert) or is_state(graph):
        return ForeignFile({"": walk.network(graph)})
    if type(graph) in (tuple, list) and len(graph) == 3 and all(isinstance(one, Inert) for one in graph):
        return ForeignFile(dict(zip(("G", "D", "G_ema"), map(walk.network, graph), strict=True)))
    if type(graph) is dict:
        read = {key: walk.network(value) for key, value in graph.items() if is_network(value)}
        found = {key: network for key, network in read.items() if network.tensors}
        if found and all(type(key) is str and is_plain(key) for key in found):
            rest = {key: walk.plain(value) for key, value in graph.items() if key not in found and type(key) is str}
            return ForeignFile(found, rest)
    raise ZooError("no network was found in it: neither modules, nor state dicts, nor TensorFlow networks.")


def is_state(value: object) -> bool:
    """Whether this is a state dict: names of tensors, and nothing else."""
    return (
        type(value) is dict and bool(value) and all(type(k) is str and isinstance(v, Tensor) for k, v in value.items())
    )


def is_network(value: object) -> bool:
    """Whether this is a module, a TensorFlow network or a state dict."""
    return is_state(value) or (isinstance(value, Inert) and (is_module(value) or value.kind in TENSORFLOW))


def is_module(value: Inert) -> bool:
    """Whether a stand-in is a torch module."""
    return type(value.state.get("_modules")) is dict and type(value.state.get("_parameters")) is dict


class Walk:
    """One pass over a file's values, which may contain each other: bounded in depth, in number and in the bytes of the
    tensors, each counted under every name that it has."""

    def __init__(self, size: int) -> None:
        self.left = PARTS
        self.budget = Budget.of(size)

    def network(self, value: Any) -> ForeignNetwork:
        """A network of any form."""
        tensors: dict[str, Tensor] = {}
        values: dict[str, Any] = {}
        if not isinstance(value, Inert):
            self.keep(tensors, "", value.items())
            return ForeignNetwork("state-dict", tensors=tensors)
        if value.kind in TENSORFLOW:
            return self.tensorflow(value)
        if not is_module(value):
            raise ZooError(f"the {brief(value.kind)} in it is no network.")
        for path, module in self.modules(value, "", 0):
            self.keep(tensors, path, tensors_of(module))
            self.keep(values, path, attributes(module))
        arguments = self.plain(value.state.get("_init_kwargs", {}))
        return ForeignNetwork("module", class_name(value), tensors, arguments or {}, values)

    def modules(self, module: Inert, path: str, depth: int) -> Iterator[tuple[str, Inert]]:
        """A module and all below it, with dotted paths."""
        self.count(depth, path)
        yield path, module
        for name, child in named(module.state.get("_modules"), path).items():
            if isinstance(child, Inert) and is_module(child):
                yield from self.modules(child, f"{path}{name}.", depth + 1)
            elif child is not None:
                raise ZooError(f"'{brief(path + name)}' is no module.")

    def keep(self, kept: dict[str, Any], path: str, found: Iterable[tuple[str, Any]]) -> None:
        """Add what was found under its path."""
        for name, value in found:
            self.count(path=path + name)
            if isinstance(value, Tensor):
                self.budget.hold(value.numel() * value.itemsize)
            kept[path + name] = value

    def tensorflow(self, network: Inert) -> ForeignNetwork:
        """A TensorFlow network: variables as `component/name`; static arguments of components as values likewise."""
        tensors: dict[str, Tensor] = {}
        values: dict[str, Any] = {}
        for path, part in self.components(network, "", 0):
            self.keep(tensors, path, variables(part, path))
            self.keep(values, path, self.settings(part).items())
            self.keep(values, path, [(n, self.plain(part.state.get(n))) for n in ("version", "build_func_name")])
        return ForeignNetwork("tensorflow", str(values["build_func_name"]), tensors, self.settings(network), values)

    def settings(self, part: Inert) -> dict[str, Any]:
        """The static arguments of a TensorFlow network."""
        found = self.plain(part.state.get("static_kwargs"))
        return found if isinstance(found, dict) else {}

    def components(self, part: Inert, path: str, depth: int) -> Iterator[tuple[str, Inert]]:
        """A TensorFlow network and the networks within it, with their paths."""
        self.count(depth, path)
        yield path, part
        for name, child in named(part.state.get("components"), path).items():
            if not (isinstance(child, Inert) and child.kind in TENSORFLOW):
                raise ZooError(f"'{brief(path + name)}' is no network.")
            yield from self.components(child, f"{path}{name}/", depth + 1)

    def plain(self, value: object, depth: int = 0) -> Any:
        """A value without stand-ins, which become their attributes; arrays, tensors and what is too large for a
        setting are left out as None."""
        self.count(depth)
        if type(value) in (bool, int, float, str):
            return value if is_plain(value) else None
        if type(value) in (list, tuple):
            return [self.plain(one, depth + 1) for one in value]  # type: ignore[attr-defined]
        if isinstance(value, Inert):
            value = value.state
        if type(value) is dict:
            return {key: self.plain(one, depth + 1) for key, one in value.items() if type(key) is str}
        return None

    def count(self, depth: int = 0, path: str = "") -> None:
        """Refuse what nests or repeats without end."""
        self.left -= 1
        if depth > DEPTH or self.left < 0 or len(path) > PATH:
            raise ZooError("its values nest deeper or are more than those of any published network.")
        if not path.isprintable():
            raise ZooError(f"the name '{brief(path)}' has letters that cannot be shown.")


def named(value: object, where: str) -> dict[str, Any]:
    """A dictionary by text, empty where the file has None."""
    if value is None:
        return {}
    if type(value) is not dict or any(type(key) is not str for key in value):
        raise ZooError(f"what should be names within '{brief(where)}' is something else.")
    return value


def is_plain(value: Any) -> bool:
    """Whether a number or text is of the size that settings have, and can be shown."""
    if isinstance(value, str):
        return len(value) <= TEXT and value.isprintable()
    return isinstance(value, float) or abs(value) < LARGEST


def class_name(module: Inert) -> str:
    """The bare name of a module's class."""
    return brief(module.kind.removeprefix(EMBEDDED).rpartition(".")[2])


def attributes(module: Inert) -> Iterator[tuple[str, Any]]:
    """The public attributes of a module that are plain values."""
    for name, value in module.state.items():
        plain = type(value) in (bool, int, float, str) or value is None
        if not plain or type(name) is not str or name.startswith("_"):
            continue
        if value is not None and not is_plain(value):
            where = f"'{brief(name)}' of {brief(module.kind)}"
            raise ZooError(f"the attribute {where} is larger than any setting, or no text to be shown.")
        yield name, value


def tensors_of(module: Inert) -> Iterator[tuple[str, Tensor]]:
    """The parameters and persistent buffers of one module."""
    passing = module.state.get("_non_persistent_buffers_set")
    for group in ("_parameters", "_buffers"):
        for name, value in named(module.state.get(group), module.kind).items():
            if value is None or (type(passing) is set and name in passing):
                continue
            if not isinstance(value, Tensor):
                raise ZooError(f"a weight of {brief(module.kind)} is no tensor.")
            yield name, value


def variables(part: Inert, path: str) -> Iterator[tuple[str, Tensor]]:
    """The variables of a TensorFlow network itself."""
    pairs = part.state.get("variables")
    for pair in pairs if type(pairs) is list else ():
        match pair:
            case (str(name), Array() as array):
                yield name, array.tensor
            case (str(name), int() | float() as number) if is_plain(number):
                yield name, torch.tensor(float(number))
            case _:
                raise ZooError(f"a variable of '{brief(path)}' is neither an array nor a number.")
