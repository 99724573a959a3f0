"""Files of weights, opened without running them: bare pickles, and what torch.save writes, zipped or not.

torch.load(weights_only=True) runs nothing either, but believes the sizes that a file states and knows no stand-ins;
so storages are laid out here, each checked against the bytes that are really there.
"""

import io
import mmap
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from ganzoo_hub import arrays
from ganzoo_hub.arrays import lengths
from ganzoo_hub.pickles import Budget, Inert, Machine, Named, RefusedPickle, brief, kind_of, named_briefly
from zoo.errors import ZooError

__all__ = ["read_graph"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
BROKEN_ZIP: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error),
    *(EOFError, KeyError, OSError, RuntimeError, ValueError),  # RuntimeError: encrypted, or of an unknown kind
)
PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
EMBEDDED = "persistent:"  # before the class name of a module whose source text lies in the file

StandIn = Callable[[str], bool]


@dataclass(frozen=True, eq=False, slots=True)
class Storage:
    """The memory behind tensors: one dimension, of one type."""

    memory: Tensor


def read_graph(path: Path, stand_in: StandIn) -> Any:
    """What the file holds, as plain values, tensors, arrays and `Inert` objects of the classes that `stand_in` admits.

    Raises ZooError with the file and the reason, for a broken file and for one that asks for anything else.
    """
    if not path.is_file():
        raise ZooError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(0)
            if head.startswith(b"PK\x03\x04"):
                return read_zip(file, path.stat().st_size, stand_in)
            if head[257:262] == b"ustar":
                raise RefusedPickle("it is a tar archive, as torch wrote before 2017; save it anew with a newer torch")
            if not head:
                raise RefusedPickle("it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                return read_stream(view, len(view), Budget.of(len(view)), stand_in)  # type: ignore[arg-type]
    except RefusedPickle as refusal:
        raise ZooError(f"{path} is not read: {refusal}.") from None
    except OSError as error:
        raise ZooError(f"{path} is not read: {error.strerror or error}.") from error
    except MemoryError:
        raise ZooError(f"{path} is not read: there is not enough memory for it.") from None


def read_stream(stream: IO[bytes], size: int, budget: Budget, stand_in: StandIn) -> Any:
    """A bare pickle, or torch's former layout: pickles of a magic number, a version, the system, the object, then
    the keys of the storages and these themselves."""
    names = known_names(budget)
    first = Machine(names, budget, stand_in).run(stream)
    if type(first) is not int or first != MAGIC:
        return first
    version, system = (Machine(names, budget).run(stream) for _ in range(2))
    if (
        type(version) is not int
        or version != PROTOCOL
        or type(system) is not dict
        or system.get("little_endian") is not True
    ):
        raise RefusedPickle("it comes from a version or a machine whose files are not read here")
    storages: dict[str, Storage] = {}

    def storage(identity: object) -> Storage:
        key, dtype, count = described(identity)
        if key not in storages:
            if count * dtype.itemsize > size - stream.tell():
                raise RefusedPickle(f"a storage claims {count * dtype.itemsize:,} bytes, more than the file has")
            budget.hold(count * dtype.itemsize)
            storages[key] = Storage(torch.zeros(count, dtype=dtype))
        elif (storages[key].memory.dtype, len(storages[key].memory)) != (dtype, count):
            raise RefusedPickle("a storage is described in two ways")
        return storages[key]

    content = Machine(names, budget, stand_in, storage).run(stream)
    keys = Machine(names, budget).run(stream)
    if type(keys) is not list or len(keys) != len(storages) or any(key not in storages for key in keys if text(key)):
        raise RefusedPickle("the list of its storages is not that of its tensors")
    for key in keys:
        fill(storages[key].memory, stream)
    return content


def text(key: object) -> bool:
    """Whether a key is text; any other is refused."""
    if type(key) is not str:
        raise RefusedPickle("the key of a storage is no text")
    return True


def fill(memory: Tensor, stream: IO[bytes]) -> None:
    """Read a storage's content, which its length precedes."""
    head = stream.read(8)
    if len(head) < 8 or struct.unpack("<q", head)[0] != len(memory):
        raise RefusedPickle("a storage has another length than its tensors say")
    if len(raw := stream.read(len(memory) * memory.itemsize)) < len(memory) * memory.itemsize:
        raise RefusedPickle("it ends within a storage; copy it again, whole")
    if raw:
        memory.copy_(torch.frombuffer(bytearray(raw), dtype=memory.dtype))


def read_zip(file: IO[bytes], size: int, stand_in: StandIn) -> Any:
    """torch's present layout: a zip of `data.pkl` and a record for each storage, none of them compressed."""
    budget = Budget.of(size)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            packed = any(one.compress_type != zipfile.ZIP_STORED or one.flag_bits & 1 for one in entries)
            if packed or sum(one.file_size for one in entries) > size:
                raise RefusedPickle("its records are compressed or overlap, as torch.save never writes them")
            return Zipped(archive, budget, stand_in).read()
    except BROKEN_ZIP as error:
        raise RefusedPickle(f"the zip is broken: {brief(str(error))}") from None


class Zipped:
    """The records of one archive."""

    def __init__(self, archive: zipfile.ZipFile, budget: Budget, stand_in: StandIn) -> None:
        self.archive = archive
        self.budget = budget
        self.stand_in = stand_in
        self.sizes = {one.filename: one.file_size for one in archive.infolist()}
        self.storages: dict[str, Storage] = {}
        self.prefix = ""

    def read(self) -> Any:
        """The object that `data.pkl` describes."""
        main = [name for name in self.sizes if name.endswith("/data.pkl") or name == "data.pkl"]
        if len(main) != 1:
            raise RefusedPickle("it is a zip without one data.pkl, so torch.save did not write it")
        self.prefix = main[0].removesuffix("data.pkl")
        if self.sizes.get(f"{self.prefix}byteorder", 0) == 3:
            raise RefusedPickle("it comes from a big-endian machine; such files are not read here")
        stream = io.BytesIO(self.archive.read(main[0]))
        return Machine(known_names(self.budget), self.budget, self.stand_in, self.storage).run(stream)

    def storage(self, identity: object) -> Storage:
        """The record that a persistent id names."""
        key, dtype, count = described(identity)
        if key in self.storages:
            memory = self.storages[key].memory
            if (memory.dtype, len(memory)) != (dtype, count):
                raise RefusedPickle("a storage is described in two ways")
            return self.storages[key]
        name = f"{self.prefix}data/{key}"
        if self.sizes.get(name) != count * dtype.itemsize:
            raise RefusedPickle(f"a storage claims {count * dtype.itemsize:,} bytes, its record has another length")
        self.budget.hold(count * dtype.itemsize)
        self.storages[key] = laid_out(self.archive.read(name), dtype)
        return self.storages[key]


def laid_out(raw: bytes, dtype: torch.dtype) -> Storage:
    """Bytes as a storage."""
    return Storage(torch.frombuffer(bytearray(raw), dtype=dtype) if raw else torch.empty(0, dtype=dtype))


def described(identity: object) -> tuple[str, torch.dtype, int]:
    """Key, type and length of the storage that a persistent id describes."""
    match identity:
        case ("storage", Named(name=kind), str(key), str(), int(count)) | (
            "storage",
            Named(name=kind),
            str(key),
            str(),
            int(count),
            None,
        ) if count >= 0 and kind in TYPES:
            return key, TYPES[kind], count
    raise RefusedPickle("a storage is described in no known form")


TYPES = {f"torch.{name}Storage": dtype for name, dtype in STORAGES.items()}


def known_names(budget: Budget) -> dict[str, Named]:
    """What a file of weights may name: containers, numpy's arrays, torch's tensors, and modules that embed their
    source text, which stays text."""
    makers: dict[str, Callable[[tuple[Any, ...]], object]] = {
        "torch._utils._rebuild_tensor": lambda given: tensor(given, budget),
        "torch._utils._rebuild_tensor_v2": lambda given: tensor(given, budget),
        "torch._utils._rebuild_parameter": parameter,
        "torch.storage._load_from_bytes": lambda given: embedded_storage(given, budget),
        "torch.Size": size,
        "torch.device": lambda given: None,
        PERSISTENT: persistent_module,
    }
    plain = [*TYPES, *(str(dtype) for dtype in STORAGES.values())]
    found = {name: Named(name, make) for name, make in makers.items()} | {name: Named(name) for name in plain}
    return arrays.names(budget) | found


def tensor(given: tuple[Any, ...], budget: Budget) -> Tensor:
    """A view of a storage, none of whose elements lies outside and which has no more of them than the storage."""
    match given:
        case (Storage(memory=memory), int(offset), tuple(shape), tuple(strides), *_):
            sizes, steps = lengths(shape), lengths(strides)
            count, reach = prod(sizes), sum((n - 1) * step for n, step in zip(sizes, steps, strict=False))
            end = offset + reach + 1 if count else offset
            if len(sizes) != len(steps) or offset < 0 or max(end, count) > len(memory):
                raise RefusedPickle(f"a tensor of shape {sizes} does not fit its storage of {len(memory)}")
            budget.hold(count * memory.itemsize)
            return memory.as_strided(sizes, steps, offset)
    raise RefusedPickle("it makes a tensor in no known form")


def parameter(given: tuple[Any, ...]) -> Tensor:
    """The tensor of a parameter."""
    match given:
        case (Tensor() as data, *_):
            return data
    raise RefusedPickle("it makes a parameter in no known form")


def size(given: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape."""
    match given:
        case (tuple() | list() as shape,):
            return lengths(tuple(shape))
    raise RefusedPickle("it makes a shape in no known form")


def embedded_storage(given: tuple[Any, ...], budget: Budget) -> Storage:
    """A storage out of bytes that torch.save wrote: a file within the file."""
    match given:
        case (bytes() | bytearray() as raw,):
            budget.hold(len(raw))
            found = read_stream(io.BytesIO(raw), len(raw), budget, lambda name: False)
            if isinstance(found, Storage):
                return found
    raise RefusedPickle("it makes a storage in no known form")


def persistent_module(given: tuple[Any, ...]) -> Inert:
    """A module of NVIDIA's persistence: its class's name and its state. The source text in it is never compiled."""
    match given:
        case ({"type": "class", "class_name": str(kind), "state": dict(state)},):
            return Inert(EMBEDDED + named_briefly(kind), state)
        case (other,):
            raise RefusedPickle(f"it reconstructs a {kind_of(other)} in no known form")
    raise RefusedPickle("it reconstructs a module in no known form")
