"""Object graphs: every secret found, nothing changed, nothing raised."""

from __future__ import annotations

import copy
from collections import ChainMap, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.redaction import Redactor
from obskit.redaction.walk import walk

REDACTOR = Redactor()
SECRET = "planted" + "Secret77"


class Login(NamedTuple):
    """A named tuple with a secret."""

    user: str
    password: str


@dataclass
class Account:
    """A dataclass with a secret and a constructor that must not run again."""

    user: str
    password: str
    calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.calls += 1


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen, slotted dataclass."""

    token: str
    note: object = None


class _Private:
    __slots__ = ("__attrs_attrs__", "__token")

    def __init__(self) -> None:
        self.__token = SECRET
        self.__attrs_attrs__ = ()


class Words(UserList[str]):
    """A sequence of another class."""


class Model:
    """An object that shows what it holds."""

    def __repr__(self) -> str:
        return f"Model(name='x', password='{SECRET}')"


class Shown(Enum):
    """An enumeration whose value is a secret."""

    ENTRY = f"password={SECRET}"


class Broken(Mapping[str, str]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> str:
        raise OSError(SECRET)

    def __iter__(self) -> Iterator[str]:
        raise OSError(SECRET)

    def __len__(self) -> int:
        return 1


class Form(Mapping[str, str]):
    """A mapping in which a name may stand many times, as in the body of a request."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def items(self) -> Any:
        return self.pairs

    def __getitem__(self, key: str) -> str:
        return dict(self.pairs)[key]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)


class Liar:
    """An object that lies about its class and raises from everything."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError(SECRET)

    def __repr__(self) -> str:
        raise SystemExit(SECRET)

    def __eq__(self, other: object) -> bool:
        raise ValueError(SECRET)

    def __hash__(self) -> int:
        return 1


class Text(str):
    """A text of another class."""

    __slots__ = ()


def _generator() -> Iterator[str]:
    yield SECRET


GRAPHS: dict[str, Callable[[], object]] = {
    "dict": lambda: {"a": [{"password": SECRET}]},
    "text": lambda: [f"password={SECRET}"],
    "text-class": lambda: [Text(f"password={SECRET}")],
    "tuple": lambda: (1, ({"token": SECRET},)),
    "set": lambda: {f"password={SECRET}", "b"},
    "frozenset": lambda: frozenset({("token", SECRET)}),
    "deque": lambda: deque([f"token={SECRET}"], maxlen=3),
    "bytes": lambda: [b"password=" + SECRET.encode(), bytearray(b"token=" + SECRET.encode())],
    "memoryview": lambda: memoryview(b"password=" + SECRET.encode()),
    "bytes-name": lambda: {b"Authorization": SECRET.encode()},
    "named-tuple": lambda: Login("ada", SECRET),
    "dataclass": lambda: Account("ada", SECRET),
    "frozen": lambda: {"x": Frozen("a", Frozen(SECRET))},
    "private-slot": _Private,
    "mapping": lambda: UserDict({"password": SECRET}),
    "proxy": lambda: MappingProxyType({"password": SECRET}),
    "ordered": lambda: OrderedDict(password=SECRET),
    "default": lambda: defaultdict(str, password=SECRET),
    "chain": lambda: ChainMap[str, object]({"a": 1}, {"password": SECRET}),
    "sequence": lambda: Words([f"password={SECRET}"]),
    "values": {"a": f"password={SECRET}"}.values,
    "keys": {f"password={SECRET}": 1}.keys,
    "header-tuple": lambda: [("Authorization", SECRET), ("Accept", "*/*")],
    "header-bytes": lambda: [(b"cookie", SECRET.encode())],
    "header-class": lambda: [(Text("Authorization"), Text(SECRET))],
    "header-list": lambda: [["X-API-Key", SECRET]],
    "name-value": lambda: {"headers": [{"name": "Authorization", "value": SECRET}]},
    "name-value-class": lambda: {"name": Text("Authorization"), "value": SECRET},
    "key-value": lambda: [{"key": "Authorization", "value": SECRET}],
    "secret-as-name": lambda: {f"token={SECRET}": 1, "a": 2},
    "exception": lambda: {"error": ValueError(f"password={SECRET}")},
    "repr": Model,
    "enum": lambda: [Shown.ENTRY],
    "enum-name": lambda: {Shown.ENTRY: 1},
    "json": lambda: '{"a": {"tokens": ["' + SECRET + '"]}}',
    "json-compact": lambda: '[{"b":1,"credentials":{"x":"' + SECRET + '"}}]',
    "container-under-secret": lambda: {"credentials": {"user": SECRET}, "tokens": [SECRET]},
    "number-under-secret": lambda: {"pin": 7777, "secret": Decimal("7.7")},
    "generator": _generator,
    "broken": lambda: {"a": Broken()},
    "liar": Liar,
    "liar-name": lambda: {Liar(): 1},
}


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_secret_is_hidden_wherever_it_is(make: Callable[[], object]) -> None:
    """No container, class or trick gets a secret through."""
    shown = REDACTOR(make())
    assert "Secret77" not in repr(shown)
    assert "7777" not in repr(shown)


SAME_TYPE = ("dict", "tuple", "set", "frozenset", "deque", "named-tuple", "dataclass", "private-slot")


@pytest.mark.parametrize("name", SAME_TYPE)
def test_what_is_rebuilt_keeps_its_type(name: str) -> None:
    """A container with a secret in it comes back as one of the same type."""
    value = GRAPHS[name]()
    shown = REDACTOR(value)
    assert type(shown) is type(value)
    assert shown is not value


def test_rebuilding_runs_no_constructor() -> None:
    """A dataclass is copied attribute by attribute."""
    shown = REDACTOR(Account("ada", SECRET))
    assert (shown.user, shown.password, shown.calls) == ("ada", "***", 1)


def test_deque_keeps_its_limit() -> None:
    """A bounded deque stays bounded."""
    assert REDACTOR(deque([f"token={SECRET}"], maxlen=3)).maxlen == 3


def test_record_that_cannot_be_made_empty_becomes_a_dict() -> None:
    """Where the type cannot be kept, the names are."""

    @dataclass
    class Odd(dict):  # type: ignore[type-arg]
        token: str = SECRET

    assert REDACTOR(Odd()) == {"token": "***et77"}


def test_names_that_become_the_same_are_numbered() -> None:
    """No entry is lost when two names turn into one marker."""
    shown = REDACTOR({"password=hunter2": 1, "password=hunter3": 2, "password=hunter4": 3})
    assert shown == {"password=***": 1, "password=***#2": 2, "password=***#3": 3}


def test_cycles_and_shared_parts_stay_what_they_are() -> None:
    """A graph keeps its form."""
    shared: dict[str, Any] = {"token": SECRET}
    graph: dict[str, Any] = {"a": shared, "b": (shared, [shared])}
    graph["self"] = graph
    shown = REDACTOR(graph)
    assert shown["self"] is shown
    assert shown["a"] is shown["b"][0] is shown["b"][1][0]
    assert shown["a"] == {"token": "***et77"}


def test_shared_tuple_is_built_once() -> None:
    """An immutable part that is held twice is one object in the result too."""
    part = ({"token": SECRET},)
    shown: Any = REDACTOR((part, (part,), Broken()))
    assert shown[0] is shown[1][0]


def test_cycle_of_what_cannot_be_filled_later_is_cut() -> None:
    """A set that holds itself through a list of another class is no endless loop."""
    row: Any = ([],)
    row[0].append(row)
    row[0].append(f"token={SECRET}")
    shown = REDACTOR(row)
    assert "Secret77" not in repr(shown)


def test_set_of_what_is_not_hashable_any_more_fails_closed() -> None:
    """A part that became a list cannot be in a set: the set is hidden."""

    class Key(UserList[str]):
        def __hash__(self) -> int:  # type: ignore[override]
            return 1

    graph: Any = [{Key([f"token={SECRET}"])}]
    assert REDACTOR(graph) == ["[redaction failed: TypeError]"]


@pytest.mark.parametrize(
    "wrap",
    [lambda inner: [inner], lambda inner: (inner,), lambda inner: {"a": inner}],
    ids=["list", "tuple", "dict"],
)
def test_depth_is_cut_without_recursion(wrap: Callable[[Any], Any]) -> None:
    """100,000 levels are no problem; what lies too deep does not pass."""
    value: Any = f"token={SECRET}"
    for _ in range(100_000):
        value = wrap(value)
    shown = REDACTOR(value)
    for _ in range(999):
        shown = next(iter(shown.values())) if isinstance(shown, dict) else shown[0]
    assert "[cut: nested too deep]" in (shown.values() if isinstance(shown, dict) else shown)


def test_number_of_values_is_bounded() -> None:
    """A container that goes beyond the limit is cut, its small siblings stay."""
    assert walk([[1, 2], list(range(100)), []], REDACTOR, max_nodes=10)[1] == "[cut: too many values]"
    assert walk(list(range(100)), REDACTOR, max_nodes=10) == "[cut: too many values]"


def test_many_fields_of_one_name_take_time_like_many_names() -> None:
    """Names of values are looked for once in each container, and so is a free number."""
    form = Form(*[("name", "colour"), ("value", "red")] * 20_000, ("password", SECRET))
    start = monotonic()
    shown: Any = REDACTOR(form)
    assert monotonic() - start < 10
    assert (shown["password"], shown["value#20000"]) == ("***", "red")


CLEAN: tuple[object, ...] = (
    None,
    1,
    1.5,
    "text",
    b"bytes",
    [1, "a"],
    {"a": {"b": (1, 2)}},
    {"password": None},
    {"max_tokens": 5, "tokens": 3},
    {"has_password": True},
    Login,
    len,
    object(),
    {1: 2},
    {("a", 1): 2},
    {"value": 3, "name": "color"},
    {"Key": "Name", "Value": "web-1"},
    ["key", "value"],
    ["password", "email"],
    '{"a": [1, 2]}',
    "{not json}",
    "[1, 2",
    UserDict(a=1),
    range(3),
    Decimal(1),
    frozenset({1}),
    {"token": "***"},
    {"token": b"***"},
    {"credentials": "***"},
    Shown,
    ("a", "b"),
    memoryview(b"abc"),
    Text("x"),
)


@pytest.mark.parametrize("value", CLEAN, ids=range(len(CLEAN)))
def test_what_holds_no_secret_comes_back_as_it_is(value: object) -> None:
    """The very same object is returned where nothing must be hidden."""
    assert REDACTOR(value) is value


NAMES = st.sampled_from(["token", "password", "user", "max_tokens", "name", "value", "key"]) | st.text(
    max_size=5
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.binary(),
    st.just(SECRET),
    st.just(f"password={SECRET}"),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(NAMES, inner),
        st.tuples(inner, inner),
        st.builds(Frozen, st.text(), inner),
        st.builds(deque, st.lists(inner)),
    ),
    max_leaves=15,
)


@given(VALUES)
def test_argument_is_never_changed_and_twice_is_once(value: object) -> None:
    """Redacting leaves its argument alone, and what is safe stays the same object."""
    before = copy.deepcopy(value)
    once = REDACTOR(value)
    assert value == before
    assert REDACTOR(once) is once


@given(VALUES, st.text("abcdefgh0123", min_size=5, max_size=30))
def test_hidden_value_leaves_no_echo(value: object, secret: str) -> None:
    """Of a value under a secret name at most four characters survive."""
    shown = REDACTOR({"rest": None, "apiToken": secret, "password": [value, secret]})
    assert len(str(shown["apiToken"])) <= 7
    assert shown["password"] == "***"
