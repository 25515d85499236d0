"""Load the parts of a package when somebody first asks for them (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def attributes(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """
    Make the ``__getattr__`` of *package*.

    Args:
        homes: The module of the package that each name comes from, by name; a module is its own home.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module
        from sys import modules

        home = import_module(f".{homes[name]}", package)
        value = home if homes[name] == name else getattr(home, name)
        setattr(modules[package], name, value)  # the next time nobody asks here
        return value

    return load
