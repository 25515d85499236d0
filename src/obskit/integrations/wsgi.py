"""
Observe a WSGI application, such as one of Flask or Django: `ObskitMiddleware`.

The server's thread serves many requests one after the other, and a response is still
being made when the application has returned. So each request gets a context of its own,
in which everything of the application runs. See https://peps.python.org/pep-3333/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from ..settings import function
from ._commands import user_of
from ._web import READ, Request, prepare

R = TypeVar("R")

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Callable[[bytes], object]]
App: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_END: Final = object()
_READ: Final = {f"HTTP_{name.upper().replace('-', '_')}": name for name in READ}


class ObskitMiddleware:
    """
    Records every request as a trace called ``METHOD /route``, until its response is closed.

    Wrap the application in it. An exception that escapes is logged with its traceback and
    passes on; the server does not log it again.

    Args:
        app: The application.
        user_id: Tells from the environ whose request it is.
    """

    def __init__(self, app: App, *, user_id: Callable[[Environ], object] | None = None) -> None:
        self._app = function("app", app)
        self._user_id = None if user_id is None else function("user_id", user_id)
        prepare()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        context = copy_context()
        request = context.run(self._request, environ)
        return _Response(context, request, start_response, self._app, environ)

    def _request(self, environ: Environ) -> Request:
        return Request(
            environ.get("REQUEST_METHOD", ""),
            _path(environ),
            {_READ[variable]: environ[variable] for variable in _READ if variable in environ},
            user_of(self._user_id, environ),
            route=partial(_route, environ),
        )


class _Response:
    """What an application answers; all that it does for that runs in one context, inside of *request*."""

    def __init__(
        self, context: Context, request: Request, start_response: StartResponse, app: App, environ: Environ
    ) -> None:
        self._context: Final = context
        self._request: Final = request
        self._start_response: Final = start_response
        self.run(request.__enter__)
        self._chunks: Final = self.run(app, environ, self.start)
        self._rest: Final[Iterator[bytes]] = self.run(iter, self._chunks)

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Begin the answer, with our headers."""
        ours = self._request.headers({name.lower() for name, _ in headers})
        if exc_info is not None:
            self._request.trace.fail(exc_info[1])
        self._request.answers(int(status[:3]) if status[:3].isdecimal() else None)
        return self._start_response(status, [*headers, *ours.items()], exc_info)

    def run(self, function: Callable[..., R], *args: Any) -> R:
        """Call *function* in the request's context; what it raises ends the request."""
        try:
            return self._context.run(function, *args)
        except BaseException as error:
            self._end(error)
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk: Any = self.run(next, self._rest, _END)
        if chunk is _END:
            raise StopIteration
        return chunk  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the application's response; the request has ended then."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            self.run(close)
        self._end(None)

    def _end(self, error: BaseException | None) -> None:
        kind = None if error is None else type(error)
        self._context.run(self._request.__exit__, kind, error, None)


def _path(environ: Environ) -> str:
    """Return the path as a person wrote it: WSGI passes the bytes of its UTF-8 as Latin-1."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def _route(environ: Environ) -> str | None:
    """Return the route that Flask has found."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return rule and f"{environ.get('SCRIPT_NAME', '')}{rule.rule}"
