"""
The rules of the source tree, read from the source itself.

Modules form layers, lowest first; an import points to a lower layer or stays inside its own package. What
obskit may touch of the outside world has one home each.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
FACE = "obskit"  # the package itself: the public names

LAYERS = (
    {
        "errors",
        "levels",
        "clock",
        "counting",
        "ids",
        "version",
        "environment",
        "decorating",
        "interrupts",
        "lazy",
        "naming",
        "settings",
    },
    {"event"},
    {"redaction", "encoding"},
    {"context", "runtime", "gate", "notices", "sinks", "spans", "storage", "http", "worker"},
    {"logs", "traces", "alerts"},
    {"escalation"},
    {"parts"},
    {"wiring"},
    {FACE},
    {"integrations", "testing", "conformance", "cli", "__main__"},
)
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}
SIDEWAYS = {LAYER["errors"], LAYER["sinks"], LAYER["cli"]}  # layers whose parts may import each other
TOP_OF_CORE = LAYER["logs"]

SLOW_TO_IMPORT = {
    "asyncio",
    "http.client",
    "importlib.metadata",
    "socket",
    "ssl",
    "subprocess",
    "urllib.request",
}
ADAPTERS = {"stores", "dedupe", "sinks", "integrations"}
VAGUE = {"base", "common", "core", "handler", "helper", "helpers", "manager", "misc", "util", "utils"}

#: Where what is caught need not be looked at: threads of ours, in which no signal handler strikes, and
#: what raises all that no sink means to raise.
LET_PASS = {
    "obskit.alerts.lane",
    "obskit.alerts.sinks._smtp",
    "obskit.alerts.sinks.bridge",
    "obskit.http",
    "obskit.sinks._lines",
    "obskit.sinks._queued",
    "obskit.traces.exporter",
    "obskit.worker",
}

#: The outside world: module -> the names in it that only the home may use; None stands for all of them.
HOMES: dict[str, dict[str, set[str] | None]] = {
    "clock": {"time": None, "datetime": {"now", "today", "utcnow"}},
    "ids": {
        "random": None,
        "secrets": None,
        "os": {"getrandom", "urandom"},
        "uuid": {"uuid1", "uuid3", "uuid4", "uuid5"},
    },
    "wiring": {"os": {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}},
}


@dataclass(frozen=True)
class Import:
    """One import statement's target."""

    target: str  #: dotted name of a module of ours, or of another's
    name: str  #: what is taken from it; empty for `import target`
    line: int
    lazy: bool  #: inside a function: runs at first need, not at import
    typing_only: bool  #: under `if TYPE_CHECKING`


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path

    @cached_property
    def name(self) -> str:
        """Dotted name, as it is imported."""
        parts = self.path.relative_to(SRC).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def part(self) -> str:
        """The piece of obskit that it belongs to, as `LAYERS` names it."""
        return part_of(self.name)

    @property
    def layer(self) -> int:
        """The layer of its part."""
        return LAYER[self.part]

    @cached_property
    def imports(self) -> list[Import]:
        """Everything it imports, in order."""
        return list(self._walk(self.tree, lazy=False, typing_only=False))

    def at(self, line: int) -> str:
        """Where a complaint is to be looked at."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    def _walk(self, node: ast.AST, *, lazy: bool, typing_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, "", child.lineno, lazy, typing_only)
            elif isinstance(child, ast.ImportFrom):
                base = self._absolute(child)
                for alias in child.names:
                    inner = f"{base}.{alias.name}"
                    target = inner if inner in MODULES else base
                    yield Import(target, alias.name, child.lineno, lazy, typing_only)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for statement in child.body:
                    yield from self._walk(ast.Module([statement], []), lazy=lazy, typing_only=True)
                for statement in child.orelse:
                    yield from self._walk(ast.Module([statement], []), lazy=lazy, typing_only=typing_only)
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from self._walk(child, lazy=lazy or is_function, typing_only=typing_only)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        up = node.level - (self.path.name == "__init__.py")
        return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def part_of(name: str) -> str:
    """Return the piece of obskit that the module *name* belongs to."""
    return name.split(".")[1] if "." in name else name


def is_ours(name: str) -> bool:
    """Tell whether the module *name* is one of obskit."""
    return name.partition(".")[0] == FACE


MODULES: dict[str, Module] = {}
MODULES.update((module.name, module) for module in map(Module, sorted(SRC.rglob("*.py"))))

every_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)


def complain(wrong: list[str]) -> None:
    """Fail with one line for each thing that is wrong."""
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_every_part_has_a_layer() -> None:
    """A new part of obskit says in `LAYERS` where it belongs."""
    assert {module.part for module in MODULES.values()} <= LAYER.keys()


@every_module
def test_imports_point_downwards(module: Module) -> None:
    """A module imports from lower layers and from its own package; some layers allow neighbours too."""
    wrong = []
    for item in module.imports:
        part = part_of(item.target)
        if not is_ours(item.target) or part == module.part:
            continue
        assert part in LAYER, f"{module.at(item.line)}: say in LAYERS where {part} belongs"
        sideways = LAYER[part] == module.layer and module.layer in SIDEWAYS
        if LAYER[part] >= module.layer and not sideways:
            wrong.append(f"{module.at(item.line)}: {module.part} must not import {part}")
    complain(wrong)


def test_imports_have_no_cycle() -> None:
    """No module needs itself, not even by way of an import inside a function."""
    graph = {
        name: {item.target for item in module.imports if is_ours(item.target) and not item.typing_only}
        for name, module in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("cycle: " + " <- ".join(error.args[1]), pytrace=False)


@every_module
def test_importing_is_cheap(module: Module) -> None:
    """The core imports nothing at import time that is slow or opens the door to a network."""
    if module.layer > TOP_OF_CORE:
        return
    complain(
        [
            f"{module.at(item.line)}: import {item.target} where it is needed, not at import time"
            for item in module.imports
            if {item.target, f"{item.target}.{item.name}"} & SLOW_TO_IMPORT
            if not (item.lazy or item.typing_only)
        ]
    )


@every_module
def test_other_packages_are_imported_at_first_need(module: Module) -> None:
    """What an extra installs is imported inside a function; only adapters may import it at the top."""
    if ADAPTERS & set(module.name.split(".")[:-1]):
        return
    complain(
        [
            f"{module.at(item.line)}: {item.target} is not part of Python: import it at first need"
            for item in module.imports
            if not is_ours(item.target) and item.target.split(".")[0] not in sys.stdlib_module_names
            if not (item.lazy or item.typing_only)
        ]
    )


@every_module
def test_the_outside_world_has_one_home(module: Module) -> None:
    """Only clock asks for the time, only ids for randomness, only wiring for the environment."""
    wrong = []
    for home, world in HOMES.items():
        if module.part == home:
            continue
        for item in module.imports:
            names = world.get(item.target, set())
            if not item.typing_only and (names is None or item.name in names):
                wrong.append(
                    f"{module.at(item.line)}: only {home} imports {item.target} {item.name}".rstrip()
                )
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if node.attr in (world.get(owner) or ()):
                    wrong.append(f"{module.at(node.lineno)}: only {home} uses {owner}.{node.attr}")
    complain(wrong)


@every_module
def test_nothing_is_global_or_overlong(module: Module) -> None:
    """No `global`; files under 500 lines, functions under 60; six positional parameters at most."""
    lines = len(module.path.read_text(encoding="utf-8").splitlines())
    wrong = [f"{module.at(1)}: {lines} lines are too many"] if lines >= 500 else []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            wrong.append(f"{module.at(node.lineno)}: global {', '.join(node.names)}")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length >= 60:
                wrong.append(f"{module.at(node.lineno)}: {node.name} has {length} lines")
            positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
            if len(positional) - (positional[:1] in (["self"], ["cls"])) > 6:
                wrong.append(f"{module.at(node.lineno)}: {node.name} has too many positional parameters")
    complain(wrong)


@every_module
def test_names_say_what_is_inside(module: Module) -> None:
    """No module is named for being useful."""
    vague = VAGUE & {part.strip("_") for part in module.name.split(".")}
    assert not vague, f"{module.path.relative_to(ROOT)}: name the idea instead of {vague}"


@every_module
def test_what_a_signal_handler_raises_is_not_held_back(module: Module) -> None:
    """Whatever would hold back any exception of others asks `let_pass` first."""
    is_for_programs = module.layer < LAYER["integrations"] or module.part == "integrations"
    if not is_for_programs or module.name in LET_PASS:
        return
    complain(
        [
            f"{module.at(node.lineno)}: call let_pass() first"
            for node in ast.walk(module.tree)
            if (isinstance(node, ast.ExceptHandler) and holds_back(node))
            or (isinstance(node, ast.Call) and ast.unparse(node).endswith("suppress(Exception)"))
        ]
    )


def holds_back(handler: ast.ExceptHandler) -> bool:
    """Tell whether *handler* would end any exception: it neither looks at it, nor raises, nor keeps it."""
    if handler.type is not None and ast.unparse(handler.type) not in {"Exception", "BaseException"}:
        return False
    first, last = handler.body[0], handler.body[-1]
    asks = {f"let_pass({handler.name})", f"if is_interruption({handler.name}):\n    raise"}
    if ast.unparse(first) in asks or isinstance(first, ast.Assign):
        return False
    return not (isinstance(last, ast.Raise) and (last.exc is None or "ConfigError" in ast.unparse(last.exc)))
