"""Files that try to run something, to take all memory, or to never end; each with a word of its refusal."""

import builtins
import functools
import io
import operator
import os
import pickle
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.hub.layouts import DNNLIB, RECONSTRUCT, Network, Persistent, legacy, pretended, reconstruct

GIGA = 1 << 30


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.parts


def dumps(value: Any, protocol: int = 4) -> bytes:
    """A pickle, in which the names of official files may occur."""
    with pretended({RECONSTRUCT: reconstruct, DNNLIB: Network}):
        return pickle.dumps(value, protocol)


def inner_storage(count: int, elements: int = 4, kind: str = "FloatStorage") -> bytes:
    """torch's unzipped layout of one storage that says it has `count` elements and has `elements`."""
    described = (
        b"\x80\x02(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    )
    described += pickle.LONG1 + bytes([8]) + struct.pack("<q", count) + b"NtQ."
    head = [pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join([*head, described, pickle.dumps(["0"], 2), struct.pack("<q", count), bytes(4 * elements)])


def embedded(raw: bytes) -> Call:
    """A storage within a pickle."""
    return Call(torch.storage._load_from_bytes, raw)


def tensor(count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Call:
    """A tensor over a storage of `count` elements."""
    return Call(
        torch._utils._rebuild_tensor_v2, embedded(inner_storage(count, count)), offset, shape, strides, False, None
    )


def array(shape: object, kind: str = "f4", raw: object = b"\0" * 4) -> bytes:
    """A numpy array with the state given."""
    start = np.zeros(1).__reduce__()[0]
    return dumps(Call(start, np.ndarray, (0,), b"b", state=(1, shape, np.dtype(kind), False, raw)))


def laughs(depth: int = 60) -> list[Any]:
    """A list that is small in the file and endless on paper."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return value


def zipped(records: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as torch.save would write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zipped_tensor(count: int, raw: bytes) -> bytes:
    """A zip whose storage claims `count` elements and whose record is `raw`."""
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(4)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        main = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        content = archive.read(main)
    claimed = content.replace(b"K\x04tq", pickle.BININT + struct.pack("<i", count) + b"tq", 1)
    return zipped({"archive/data.pkl": claimed, "archive/data/0": raw})


def recursive_module() -> Persistent:
    """A module that is its own child."""
    state: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    state["_modules"]["child"] = child = Call(Network, state=state)
    return Persistent("Generator", {"_parameters": {}, "_buffers": {}, "_modules": {"child": child}})


def shared(count: int = 200, elements: int = 250_000) -> dict[str, bytes]:
    """One array under many names, as variables, as parameters and in a state dict; one text likewise."""
    values, text = np.zeros(elements, np.float32), "a" * elements
    start = np.zeros(1).__reduce__()[0]
    one = Call(start, np.ndarray, (0,), b"b", state=(1, (elements,), np.dtype("f4"), False, values.tobytes()))
    many = Call(Network, state={"variables": [(f"mapping/Dense{i}/weight", one) for i in range(count)]})
    weights = {f"w{i}": tensor_of(elements) for i in range(1)} | dict.fromkeys(map(str, range(count)), None)
    weights = dict.fromkeys(weights, weights["w0"])
    empty: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    texts = {str(i): Persistent("Layer", {**empty, "activation": text}) for i in range(count)}
    return {
        "variables": dumps([many] * 3),
        "parameters": dumps({"G": Persistent("G", {**empty, "_parameters": weights})}),
        "state": dumps({"netG": weights}),
        "texts": dumps({"G": Persistent("G", {**empty, "_parameters": {"w": tensor_of(1)}, "_modules": texts})}),
    }


def tensor_of(count: int) -> Call:
    """A tensor of zeros."""
    return tensor(count, 0, (count,), (1,))


def named_long(letters: int = 1 << 20, times: int = 2_000) -> tuple[bytes, bytes]:
    """A class name of a megabyte that is used often, on the stack and in NVIDIA's persistence."""
    long = b"X" + struct.pack("<I", letters) + b"torch.nn." + b"a" * (letters - 9)
    stack = b"\x80\x04" + long + b"q\x000" + b"\x8c\x01b" + b"q\x010" + b"h\x00h\x01\x930" * times + b"N."
    head = b"\x80\x02c" + RECONSTRUCT.rpartition(".")[0].encode() + b"\n" + RECONSTRUCT.rpartition(".")[2].encode()
    meta = b"\n}(X\x04\x00\x00\x00typeX\x05\x00\x00\x00classX\x0a\x00\x00\x00class_name" + long
    meta += b"X\x05\x00\x00\x00state}u\x85q\x010q\x000" + b"h\x00h\x01R0" * times + b"N."
    return stack, head + meta


def module(**state: Any) -> bytes:
    """One module with a weight and these attributes."""
    own = {"_parameters": {"w": tensor_of(1)}, "_buffers": {}, "_modules": {}}
    return dumps({"G": Persistent("G", own | state)})


def files(touched: Path) -> dict[str, tuple[bytes, str]]:
    """Name -> content and a word that the refusal must hold. What runs creates the file `touched`."""
    command = f"touch {touched}"
    code = f"__import__('os').system({command!r})"
    quoted = command.encode()
    nested: Any = []
    for _ in range(3):
        nested = Call(functools.partial, os.system, command)
    g: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    system = f"{os.system.__module__}.system"
    same, (stacked, class_named) = shared(), named_long()
    return {
        "os.system": (dumps(Call(os.system, command)), system),
        "os.system, protocol 2": (dumps(Call(os.system, command), 2), system),
        "os.system, protocol 0": (dumps(Call(os.system, command), 0), system),
        "eval": (dumps(Call(builtins.eval, code)), "builtins.eval"),
        "exec": (dumps(Call(builtins.exec, code)), "builtins.exec"),
        "import": (dumps(Call(builtins.__import__, "antigravity")), "builtins.__import__"),
        "getattr": (dumps(Call(getattr, [], "append")), "builtins.getattr"),
        "open": (dumps(Call(open, str(touched), "w")), "open"),
        "subprocess": (dumps(Call(subprocess.Popen, ["touch", str(touched)])), "subprocess.Popen"),
        "partial": (dumps(nested), "functools.partial"),
        "methodcaller": (dumps(operator.methodcaller("system", command)), "operator.methodcaller"),
        "in the weights": (dumps({"G": Persistent("Generator", {**g, "x": Call(os.system, command)})}), system),
        "in a key": (dumps({"G_ema": {Call(os.system, command): 1}}), system),
        "dotted name": (b"\x80\x04\x8c\x08builtins\x8c\x0bdict.update\x93)R.", "builtins.dict.update"),
        "attribute of a stand-in": (b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__base__\x93.", "dtype.__base__"),
        "name of numbers": (b"\x80\x04K\x01K\x02\x93.", "name is no text"),
        "call of a text": (b"\x80\x04\x8c\x01a)R.", "it calls a str"),
        "call of a name": (b"\x80\x02ctorch\nFloatStorage\n(K\x01tR.", "torch.FloatStorage"),
        "call without a tuple": (b"\x80\x02cbuiltins\nlist\n]R.", "builtins.list"),
        "stand-in with arguments": (dumps(Call(Network, command)), "with arguments"),
        "inst": (b"(S'" + quoted + b"'\nios\nsystem\n.", "opcode"),
        "obj": (b"(cos\nsystem\nS'" + quoted + b"'\no.", "os.system"),
        "new object": (b"\x80\x02cos\nsystem\n(X" + struct.pack("<I", len(quoted)) + quoted + b"t\x81.", "os.system"),
        "new object with keywords": (b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93)}\x92.", "NEWOBJ_EX"),
        "extension 1": (b"\x80\x02\x82\x01.", "EXT1"),
        "extension 2": (b"\x80\x02\x83\x01\x00.", "EXT2"),
        "extension 4": (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
        "persistent id": (b"\x80\x02X\x01\x00\x00\x00aQ.", "persistent ids"),
        "persistent id, text": (b"Pos.system\n.", "PERSID"),
        "buffers": (b"\x80\x05\x97.", "NEXT_BUFFER"),
        "state of a list": (b"\x80\x02]}b.", "state of a list"),
        "state of a class": (b"\x80\x02cdnnlib.tflib.network\nNetwork\n}b.", "state of a Named"),
        "state that is no dictionary": (b"\x80\x02cdnnlib.tflib.network\nNetwork\n)\x81]b.", "no dictionary"),
        "setstate": (
            dumps({"G": Call(Network, state={"__setstate__": "x", "__class__": "y", "_modules": 1})}),
            "no network was found",
        ),
        "append to a dictionary": (b"\x80\x02}Na.", "appends to a dict"),
        "items of a list": (b"\x80\x02](NNu.", "items of a list"),
        "adds to a list": (b"\x80\x04](N\x90.", "adds to a list"),
        "odd items": (b"\x80\x02}(Nu.", "no value"),
        "list as a key": (b"\x80\x02}]Ns.", "a list is a key"),
        "huge number as a key": (b"\x80\x02}\x8a\x09" + bytes(8) + b"\x01Ns.", "a int is a key"),
        "tuple in a set": (b"\x80\x04\x8f()\x90.", "element of a set"),
        "no value": (b"\x80\x02.", "a value is missing"),
        "no mark": (b"\x80\x02Nt.", "a mark is missing"),
        "no memory": (b"\x80\x02h\x07.", "remembers nothing under 7"),
        "text claims a gigabyte": (b"\x80\x02X" + struct.pack("<I", GIGA) + b"abc.", "broken"),
        "text claims an exabyte": (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"abc.", "broken"),
        "bytes claim a gigabyte": (b"\x80\x03B" + struct.pack("<I", GIGA) + b"abc.", "broken"),
        "bytes claim all": (b"\x80\x04\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"abc.", "broken"),
        "bytearray claims": (b"\x80\x05\x96" + struct.pack("<Q", GIGA) + b"abc.", "broken"),
        "number claims a gigabyte": (b"\x80\x02\x8b" + struct.pack("<i", GIGA) + b"abc.", "broken"),
        "negative length": (b"\x80\x02\x8b" + struct.pack("<i", -5) + b"abc.", "broken"),
        "frame claims": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.", "no network"),
        "array claims": (array((GIGA,)), "claims the shape"),
        "array claims more than there are atoms": (array((1 << 40,) * 8), "claims the shape"),
        "array of no elements": (array((0, 1 << 62), raw=b""), "something else than lengths"),
        "array of negative length": (array((-1, -1)), "something else than lengths"),
        "array of nine dimensions": (array((1,) * 9), "a few numbers"),
        "array of objects": (array((1,), "O", [Call(len, "x")]), "numbers"),
        "array of records": (array((1,), np.dtype([("a", "f4")])), "numbers"),  # type: ignore[arg-type]
        "array of another state": (array([1]), "no known form"),
        "array of nothing": (array((1,), raw=None), "content of an array is a NoneType"),
        "storage claims a gigabyte": (dumps(embedded(inner_storage(GIGA))), "claims 4,294,967,296 bytes"),
        "storage claims all": (dumps(embedded(inner_storage((1 << 63) - 1))), "claims"),
        "storage of negative length": (dumps(embedded(inner_storage(-4))), "no known form"),
        "storage of code": (dumps(embedded(inner_storage(4, kind="save"))), "torch.save"),
        "storage that is none": (dumps(embedded(pickle.dumps([], 2))), "storage in no known form"),
        "storage cut off": (dumps(embedded(inner_storage(4)[:-5])), "ends within a storage"),
        "storage full of code": (dumps(embedded(dumps(Call(os.system, command)))), system),
        "tensor beyond its storage": (dumps(tensor(4, 0, (5,), (1,))), "does not fit"),
        "tensor behind its storage": (dumps(tensor(4, -1, (2,), (1,))), "does not fit"),
        "tensor with a wide step": (dumps(tensor(4, 0, (2,), (1 << 39,))), "does not fit"),
        "tensor that repeats one element": (dumps(tensor(1, 0, (1 << 20, 1 << 20), (0, 0))), "does not fit"),
        "tensor with a negative step": (dumps(tensor(4, 3, (2,), (-1,))), "something else than lengths"),
        "tensor of steps alone": (dumps(tensor(4, 0, (), (1, 1))), "does not fit"),
        "laughs": (dumps({"G": Persistent("Generator", {**g, "_init_kwargs": {"x": laughs()}})}), "nest deeper"),
        "many laughs": (
            dumps({"G": Persistent("Generator", {**g, "_init_kwargs": {"x": laughs(25)}})}),
            "are more than",
        ),
        "module within itself": (dumps({"G": recursive_module()}), "nest deeper"),
        "module that is none": (dumps({"G": Persistent("G", {**g, "_modules": {"a": Call(Network)}})}), "is no module"),
        "modules by number": (dumps({"G": Persistent("G", {**g, "_parameters": {1: 2}})}), "something else"),
        "weight that is none": (dumps({"G": Persistent("G", {**g, "_parameters": {"w": "x"}})}), "is no tensor"),
        "component that is none": (dumps([Call(Network, state={"components": {"a": 1}})] * 3), "is no network"),
        "variable that is none": (dumps([Call(Network, state={"variables": [("a", "b")]})] * 3), "neither an array"),
        "deep lists": (b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".", "no network"),
        "deep tuples": (b"\x80\x02)" + b"\x85" * 300_000 + b".", "no network"),
        "deep state": (b"\x80\x02}" + b"X\x01\x00\x00\x00a}" * 9_999 + b"s" * 9_999 + b".", "no network"),
        "no end in sight": (b"\x80\x02" + b"N0" * 1_500_000 + b".", "1,000,000 steps"),
        "copies": (b"\x80\x04](" + b"N" * 9_999 + b"eq\x000" + b"cbuiltins\nlist\nh\x00\x85R0" * 900 + b"N.", "steps"),
        "copied bytes": (
            b"\x80\x02X"
            + struct.pack("<I", 99_999)
            + b"a" * 99_999
            + b"q\x000"
            + b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R0" * 20
            + b"N.",
            "more bytes",
        ),
        "a class name of a megabyte, often": (stacked, "a name of 1,048,576 letters"),
        "a persistent class name of a megabyte, often": (class_named, "a name of 1,048,576 letters"),
        "a name in a line of a megabyte": (b"\x80\x02c" + b"a" * (1 << 20) + b"\nb\n.", "a name of 1,048,576 letters"),
        "one array under many names": (same["variables"], "more bytes than the file"),
        "one tensor under many names": (same["parameters"], "more bytes than the file"),
        "one tensor under many names of a state": (same["state"], "more bytes than the file"),
        "one long text in many modules": (same["texts"], "larger than any setting"),
        "a number of 400 digits as a variable": (
            dumps([Call(Network, state={"variables": [("lod", 10**400)]})] * 3),
            "neither an array",
        ),
        "a number of 400 digits as a setting": (module(z_dim=10**400), "larger than any setting"),
        "a name that clears the screen": (module(**{"\x1b[2J": 1}), "cannot be shown"),
        "a text that clears the screen": (module(architecture="\x1b[2J"), "larger than any setting"),
        "zip that claims": (zipped_tensor(1 << 28, bytes(16)), "its record has another length"),
        "zip without the record": (zipped({"a/data.pkl": zipped_pickle(zipped_tensor(4, b""))}), "another length"),
        "zip bomb": (zipped({"a/data.pkl": b"N.", "a/data/0": bytes(1 << 22)}, zipfile.ZIP_DEFLATED), "compressed"),
        "zip of something else": (zipped({"readme.txt": b"hello"}), "data.pkl"),
        "zip of code": (zipped({"a/data.pkl": dumps(Call(os.system, command))}), system),
        "zip cut off": (zipped_tensor(4, bytes(16))[:-30], "the zip is broken"),
        "tar": (bytes(257) + b"ustar" + bytes(300), "tar archive"),
        "web page": (b"<!DOCTYPE html><html>Too many requests</html>", "broken"),
        "nothing": (b"", "empty"),
        "zeros": (bytes(1000), "broken"),
        "plain values": (dumps({"a": [1, 2.5, None, True, b"x", {"y"}, frozenset({3}), (4,)]}), "no network"),
        "legacy of another version": (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(7, 2) * 2, "version"),
        "legacy cut off": (legacy({"w": torch.zeros(2)})[:-3], "ends within a storage"),
        "legacy of another length": (
            legacy({"w": torch.zeros(2)})[:-16] + struct.pack("<q", 3) + bytes(8),
            "another length",
        ),
    }


def zipped_pickle(archive: bytes) -> bytes:
    """The `data.pkl` of an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read("archive/data.pkl")
