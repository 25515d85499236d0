"""
Observe an ASGI application, such as one of Starlette, FastAPI or Django: `ObskitMiddleware`.

Messages pass through as they are, one by one; nothing is read ahead or held back.
See https://asgi.readthedocs.io/en/latest/specs/www.html.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Final, TypeAlias

from ..settings import function
from ._commands import user_of
from ._web import READ, Request, prepare

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_READ: Final = {name.encode(): name for name in READ}
#: Messages that carry the headers of an answer.
_STARTS: Final = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class ObskitMiddleware:
    """
    Records every request, and every WebSocket, as a trace called ``METHOD /route``.

    Wrap the application in it, or pass it to ``add_middleware()``. An exception that
    escapes is logged with its traceback and passes on; the server does not log it again.

    Args:
        app: The application.
        user_id: Tells from the scope whose request it is; must not block.
    """

    def __init__(self, app: App, *, user_id: Callable[[Scope], object] | None = None) -> None:
        self._app = function("app", app)
        self._user_id = None if user_id is None else function("user_id", user_id)
        prepare()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; what is neither HTTP nor a WebSocket is none of our business."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request = Request(
            scope.get("method", "WEBSOCKET"),
            scope.get("path", ""),
            _headers_of(scope),
            user_of(self._user_id, scope),
            route=partial(_route, scope, scope.get("root_path", "")),
        )

        async def answer(message: Message) -> None:
            """Pass *message* on; the one that begins the answer gets our headers."""
            if message["type"] in _STARTS:
                headers = list(message.get("headers", ()))
                ours = request.headers({name.lower().decode("latin-1") for name, _ in headers})
                headers += [(name.lower().encode(), value.encode()) for name, value in ours.items()]
                message = {**message, "headers": headers}
                request.answers(message.get("status"))
            await send(message)

        with request:
            await self._app(scope, receive, answer)


def _headers_of(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw, value in scope.get("headers", ()):
        if raw in _READ:
            name, text = _READ[raw], value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _route(scope: Scope, root: str) -> str | None:
    """Return the route that Starlette or FastAPI has found, with what it is mounted at below *root*."""
    route: Any = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route:
        route = included  # the route itself does not know the prefix of its router
    if not hasattr(route, "endpoint"):  # one of a mount knows less than the path does
        return None
    return f"{scope.get('root_path', '')[len(root) :]}{route.path}"
