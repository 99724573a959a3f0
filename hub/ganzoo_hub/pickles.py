"""Pickles read as data: a machine of our own carries out the opcodes that build plain values, and no others.

A pickle is a program for a stack machine, and Python's own runs whatever function it names. Here a name is looked up
in a table of data constructors written for this purpose; nothing is imported, no attribute is read and no method of
a foreign object is called. What a file may cost is set beforehand: a budget of steps, and one of bytes that follows
from its size.
"""

import codecs
import pickletools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from zoo.errors import ZooError

__all__ = [
    "Budget",
    "Inert",
    "Machine",
    "Named",
    "RefusedPickle",
    "StandIn",
    "brief",
    "checked_key",
    "kind_of",
    "named_briefly",
]

STEPS = 1_000_000  # opcodes and copied items; the largest published networks take about 100,000
COPIES = 6  # bytes kept for each byte of the file: a file within it, its storage, the tensor, and weights shared
LARGEST_KEY = 2**31
LONGEST_NAME = 200  # letters of a module or class: each use makes a text of its own


class RefusedPickle(ZooError):
    """The pickle is broken, or asks for what a file of weights does not need."""


@dataclass(slots=True)
class Budget:
    """What reading one file may cost."""

    steps: int
    bytes: int

    @classmethod
    def of(cls, size: int) -> "Budget":
        """For a file of `size` bytes."""
        return cls(STEPS, COPIES * size + 65_536)

    def work(self, items: int) -> None:
        """Take `items` steps."""
        self.steps -= items
        if self.steps < 0:
            raise RefusedPickle(f"it takes more than {STEPS:,} steps to read, no file of weights does")

    def hold(self, count: int) -> None:
        """Keep `count` bytes in arrays."""
        self.bytes -= count
        if self.bytes < 0:
            raise RefusedPickle("its arrays claim more bytes than the file could hold")


class StandIn(ABC):
    """A value that a pickle first creates and then gives its state."""

    @abstractmethod
    def build(self, state: object) -> None:
        """Take the state; raise RefusedPickle for one that does not belong here."""


@dataclass(eq=False, slots=True)
class Inert(StandIn):
    """An object of a class that the file names: the name and the state, none of the behaviour."""

    kind: str  # "package.module.Class"
    state: dict[Any, Any] = field(default_factory=dict, repr=False)

    def build(self, state: object) -> None:
        """Take a dictionary of attributes."""
        if type(state) is not dict:
            raise RefusedPickle(f"the state of a {brief(self.kind)} is no dictionary")
        self.state = state


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """A name in the file. `make` gives the data that a call of it stands for; without it there is only the name."""

    name: str
    make: Callable[[tuple[Any, ...]], object] | None = field(default=None, repr=False)


class Machine:
    """One run over one pickle. `names` are admitted with what they make; `stand_in` admits a class by its name.

    `persistent` resolves persistent ids, which only the files of torch.save have. `old` admits the opcodes in text
    that Python 2 wrote by default.
    """

    def __init__(
        self,
        names: Mapping[str, Named],
        budget: Budget,
        stand_in: Callable[[str], bool] = lambda name: False,
        persistent: Callable[[object], object] | None = None,
        old: bool = False,
    ) -> None:
        self.names = names
        self.budget = budget
        self.stand_in = stand_in
        self.persistent = persistent
        self.known = KNOWN | OLD if old else KNOWN
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: IO[bytes]) -> Any:
        """The value of the pickle that begins at the stream's position; the stream stands behind it afterwards.

        Raises RefusedPickle with the place and the reason.
        """
        begun = stream.tell()
        try:
            while (name := opcode_of(stream, self.known)) != "STOP":
                self.budget.work(1)
                self.step(name, argument_of(name, stream))
                begun = stream.tell()
            return self.pop()
        except RefusedPickle as refusal:
            raise RefusedPickle(f"{refusal} (at byte {begun})") from None
        except (ValueError, OverflowError, EOFError, RuntimeError) as error:  # pickletools, numpy, torch
            raise RefusedPickle(f"the pickle is broken: {brief(str(error))}") from None

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode."""
        if name in ARGUMENTS or name in OLD_ARGUMENTS:
            self.push(argument)
        elif name in LITERALS:
            self.push(LITERALS[name]())
        else:
            ACTIONS[name](self, argument)

    def pop(self) -> Any:
        """The topmost value."""
        if not self.stack:
            raise RefusedPickle("the pickle is broken: a value is missing")
        return self.stack.pop()

    def push(self, value: Any) -> None:
        """A new topmost value."""
        self.stack.append(value)

    def top(self) -> Any:
        """The topmost value, which stays."""
        self.push(value := self.pop())
        return value

    def mark(self, argument: Any) -> None:
        """Begin a sequence."""
        self.marks.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """The values since the last mark."""
        if not self.marks:
            raise RefusedPickle("the pickle is broken: a mark is missing")
        items, self.stack = self.stack, self.marks.pop()
        return items

    def put(self, index: Any) -> None:
        """Remember the topmost value, under the next number if none is given."""
        self.memo[len(self.memo) if index is None else index] = self.top()

    def get(self, index: Any) -> None:
        """Push what was remembered."""
        if index not in self.memo:
            raise RefusedPickle(f"the pickle is broken: it remembers nothing under {index}")
        self.push(self.memo[index])

    def tuple_of(self, count: int) -> None:
        """Pack the last `count` values."""
        self.push(tuple(reversed([self.pop() for _ in range(count)])))

    def extend(self, items: list[Any]) -> None:
        """Append to the list on top."""
        if type(target := self.top()) is not list:
            raise RefusedPickle(f"it appends to a {kind_of(target)}")
        target.extend(items)

    def insert(self, items: list[Any]) -> None:
        """Set alternating keys and values in the dictionary on top."""
        if type(target := self.top()) is not dict:
            raise RefusedPickle(f"it sets items of a {kind_of(target)}")
        if len(items) % 2:
            raise RefusedPickle("the pickle is broken: a key has no value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = value

    def include(self, items: list[Any]) -> None:
        """Add to the set on top."""
        if type(target := self.top()) is not set:
            raise RefusedPickle(f"it adds to a {kind_of(target)}")
        target.update(map(checked_key, items))

    def dictionary(self, argument: Any) -> None:
        """A dictionary of the marked keys and values."""
        items = self.marked()
        self.push({})
        self.insert(items)

    def find(self, name: str) -> None:
        """Push what the table holds for `package.module.name`; anything else is refused with that name."""
        if name not in self.names and not self.stand_in(name):
            raise RefusedPickle(f"it asks for {brief(name)}, which is neither data nor a network known here")
        self.push(self.names.get(name) or Named(name, lambda arguments: new_inert(name, arguments)))

    def find_on_stack(self, argument: Any) -> None:
        """The same, with module and name taken from the stack."""
        name, module = self.pop(), self.pop()
        self.find(f"{named_briefly(module)}.{named_briefly(name)}")

    def reduce(self, argument: Any) -> None:
        """Make the data that a call stands for."""
        arguments, named = self.pop(), self.pop()
        if type(arguments) is not tuple or not isinstance(named, Named) or named.make is None:
            raise RefusedPickle(f"it calls {brief(named.name) if isinstance(named, Named) else f'a {kind_of(named)}'}")
        self.push(named.make(arguments))

    def build(self, argument: Any) -> None:
        """Give the stand-in on top its state. The attributes of a dictionary are left out: they are no weights."""
        state, target = self.pop(), self.top()
        if isinstance(target, StandIn):
            target.build(state)
        elif type(target) is not dict or type(state) is not dict:
            raise RefusedPickle(f"it sets the state of a {kind_of(target)}")

    def resolve(self, argument: Any) -> None:
        """Push what a persistent id stands for."""
        if self.persistent is None:
            raise RefusedPickle("it uses persistent ids, which belong into files of torch.save")
        self.push(self.persistent(self.pop()))


def opcode_of(stream: IO[bytes], known: Collection[str]) -> str:
    """The name of the next opcode; one that is not needed is refused before its argument is read."""
    if not (code := stream.read(1)):
        raise RefusedPickle("the pickle is broken: it does not end")
    if (opcode := OPCODES.get(code)) is None:
        raise RefusedPickle("the pickle is broken: it has a byte that is no opcode")
    if opcode.name not in known:
        raise RefusedPickle(f"it uses the opcode {opcode.name}, which no file of weights needs")
    return str(opcode.name)


def argument_of(name: str, stream: IO[bytes]) -> Any:
    """What stands behind an opcode, as pickletools reads it: never more than the stream holds."""
    if name == "GLOBAL":  # two lines of text, which pickletools would unescape
        return f"{named_briefly(line(stream))}.{named_briefly(line(stream))}"
    if name == "STRING":  # pickletools takes letters alone, and Python 2 wrote all bytes this way
        return escaped(line(stream))
    reader = NAMED_OPCODES[name].arg
    return None if reader is None else reader.reader(stream)


def named_briefly(name: object) -> str:
    """The name of a module or class as a file gives it."""
    if type(name) is not str:
        raise RefusedPickle("the pickle is broken: a name is no text")
    if len(name) > LONGEST_NAME:
        raise RefusedPickle(f"it asks for {brief(name)}, a name of {len(name):,} letters")
    return name


def line(stream: IO[bytes]) -> str:
    """A line of text."""
    found = stream.readline()
    if not found.endswith(b"\n"):
        raise RefusedPickle("the pickle is broken: a name does not end")
    return found[:-1].decode()


def escaped(text: str) -> str:
    """The text within quotes that Python 2 wrote for bytes, each byte a character."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise RefusedPickle("the pickle is broken: a text is not within quotes")
    raw: Any = codecs.escape_decode(text[1:-1].encode("latin-1"))[0]
    return str(raw.decode("latin-1"))


def checked_key(key: object) -> object:
    """A key or a set's element: text, bytes, None or a small whole number, whose hash is quick and hard to steer."""
    if type(key) in (str, bytes, bool) or key is None or (type(key) is int and abs(key) < LARGEST_KEY):
        return key
    raise RefusedPickle(f"a {kind_of(key)} is a key or an element of a set")


def new_inert(name: str, arguments: tuple[Any, ...]) -> Inert:
    """A new object of a known class, before its state."""
    if arguments:
        raise RefusedPickle(f"it calls {brief(name)} with arguments")
    return Inert(name)


def kind_of(value: object) -> str:
    """What a value is, for an error; never its content, which may be endless."""
    return brief(value.kind) if isinstance(value, Inert) else type(value).__name__


def brief(text: str, length: int = 120) -> str:
    """Foreign text as an error may show it: one short line without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:length]) + ("..." if len(text) > length else "")


ARGUMENTS = frozenset(
    [
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    ]
)
"""Opcodes that push their argument."""

LITERALS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
"""Opcodes that push a constant."""

ACTIONS: dict[str, Callable[[Machine, Any], object]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "MARK": Machine.mark,
    "POP": lambda machine, argument: machine.pop(),
    "POP_MARK": lambda machine, argument: machine.marked(),
    "DUP": lambda machine, argument: machine.push(machine.top()),
    "BINPUT": Machine.put,
    "LONG_BINPUT": Machine.put,
    "MEMOIZE": Machine.put,
    "PUT": Machine.put,
    "GET": Machine.get,
    "BINGET": Machine.get,
    "LONG_BINGET": Machine.get,
    "TUPLE1": lambda machine, argument: machine.tuple_of(1),
    "TUPLE2": lambda machine, argument: machine.tuple_of(2),
    "TUPLE3": lambda machine, argument: machine.tuple_of(3),
    "TUPLE": lambda machine, argument: machine.push(tuple(machine.marked())),
    "LIST": lambda machine, argument: machine.push(machine.marked()),
    "DICT": Machine.dictionary,
    "FROZENSET": lambda machine, argument: machine.push(frozenset(map(checked_key, machine.marked()))),
    "APPEND": lambda machine, argument: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, argument: machine.extend(machine.marked()),
    "SETITEM": lambda machine, argument: machine.insert([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, argument: machine.insert(machine.marked()),
    "ADDITEMS": lambda machine, argument: machine.include(machine.marked()),
    "GLOBAL": Machine.find,
    "STACK_GLOBAL": Machine.find_on_stack,
    "REDUCE": Machine.reduce,
    "NEWOBJ": Machine.reduce,
    "BUILD": Machine.build,
    "BINPERSID": Machine.resolve,
}
"""Opcodes that do something. Left out: extension codes, INST, OBJ, NEWOBJ_EX."""

OLD_ARGUMENTS = frozenset(["INT", "LONG", "FLOAT", "STRING", "UNICODE"])
OLD = OLD_ARGUMENTS | {"PUT", "GET"}
"""The opcodes of protocol 0 that build plain values, admitted where asked for."""

OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
NAMED_OPCODES = {opcode.name: opcode for opcode in pickletools.opcodes}
KNOWN = frozenset({"STOP", *ARGUMENTS, *LITERALS, *ACTIONS} - OLD)
