"""Load and make things when somebody first asks for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from sys import is_finalizing
from threading import RLock
from typing import Final, cast

from .errors import ConfigError

#: Seconds that a fork waits for what is being made.
_LONGEST: Final = 5.0


class _Loading:
    """
    Held while something is loaded or made at first need; a fork waits until it is there.

    A child forked in the middle would have the locks of the thread that makes it
    without the thread, those of Python's imports too. It does not wait for ever:
    the thread may itself wait for something that the forking one holds.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._held = False
        if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
            os.register_at_fork(before=self._hold, after_in_parent=self._let_go, after_in_child=self._renew)

    def __enter__(self) -> None:
        # At the end of the process, the thread that has it may be frozen.
        if not self._lock.acquire(blocking=not is_finalizing()):
            raise RuntimeError("nothing can be loaded any more, at the end of the process")

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def _hold(self) -> None:
        self._held = self._lock.acquire(timeout=_LONGEST)

    def _let_go(self) -> None:
        if self._held:
            self._lock.release()

    def _renew(self) -> None:
        self._lock = RLock()


LOADING: Final = _Loading()


def attributes(
    package: str, names: list[str], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    Make the ``__getattr__`` and ``__dir__`` of *package* (PEP 562).

    Args:
        names: All that the package offers, loaded or not.
        homes: The module of the package that each name comes from, by name; a module is its own home.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module
        from sys import modules

        with LOADING:
            home = import_module(f".{homes[name]}", package)
        value = home if homes[name] == name else getattr(home, name)
        setattr(modules[package], name, value)  # the next time nobody asks here
        return value

    return load, lambda: names


def from_entry_point(group: str, name: str, url: str) -> object:
    """
    Let an installed package build what *url* asks for; None where none has registered *name*.

    Raises:
        ConfigError: If the package fails.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group=group, name=name):
        try:
            return cast("object", point.load()(url))
        except ConfigError:
            raise
        except Exception as error:  # anybody's code; its text may quote the URL
            raise ConfigError(f"the package that serves {name}: failed with {type(error).__name__}") from None
    return None
