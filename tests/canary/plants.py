"""Fresh random secrets, planted everywhere a program could leave one."""

from __future__ import annotations

import base64
import logging
import secrets
import string
import sys
import threading
import warnings
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import quote

import obskit

#: Every plant writes this too, so that a test knows that the exit was open.
MARK = "canary-was-here"
_LETTERS = string.ascii_letters + string.digits


def fresh(length: int = 32) -> str:
    """Make a random value with a letter and a digit."""
    return "k7" + "".join(secrets.choice(_LETTERS) for _ in range(length - 2))


@dataclass
class Account:
    """A record whose repr shows its secret."""

    password: str


class Shown:
    """An object that shows a secret when it is printed."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Client api_key={self.secret!r}>"


class Canaries:
    """The secrets of one test, by where they were planted."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.registered = self.new("registered")
        obskit.register_secret(self.registered, "canary")

    def new(self, place: str) -> str:
        """Make a secret for *place*."""
        return self.values.setdefault(place, fresh())

    def forget(self) -> None:
        """Take the registered one back."""
        obskit.unregister_secret(self.registered)

    def plant(self) -> None:
        """Leave a secret in everything that obskit is given."""
        with (
            obskit.bound_context(
                user_id="7", session=self.new("context"), note=f"token={self.new('context text')}"
            ),
            obskit.trace(
                MARK, user_id="7", api_key=self.new("trace attribute"), about=f"pwd={self.new('trace text')}"
            ) as trace,
        ):
            self._log()
            self._log_errors()
            self._log_records()
            self._steps()
            trace.link("Run", f"https://example.org/run?access_token={self.new('link')}")
            self._alert()
            trace.fail(self._error("trace error"))

    def _log(self) -> None:
        log = obskit.get_logger("canary")
        new, registered = self.new, self.registered
        log.info(f"{MARK} password={new('message')}")
        log.info("login with %s as %s", f"secret={new('argument')}", "ada")
        log.info("api_key=%s%s", new("split")[:16], new("split")[16:])
        log.info("%s%s", registered[:16], registered[16:])
        log.info("fields", password=new("field"), data={"a": [{"token": new("nested")}]}, n=1)
        log.info("bytes", raw=b"password=" + new("bytes").encode(), plain=registered.encode())
        log.info("names", data={f"token={new('name')} is a name": 1, registered: 2})
        log.info(
            "pairs",
            headers=[("Authorization", new("pair"))],
            more={"name": "X-Api-Key", "value": new("named")},
        )
        log.info(
            "objects",
            account=Account(new("record")),
            client=Shown(new("repr")),
            space=SimpleNamespace(k=registered),
        )
        log.info(f"GET https://ada:{new('userinfo')}@example.org/?q=1&token={new('query')}")
        log.info(f"Authorization: Bearer {new('header')}\nCookie: session={new('cookie')}")
        log.info(
            "json %s",
            f'{{"password": "{new("json")}", "inner": "{{\\"token\\": \\"{new("escaped json")}\\"}}"}}',
        )
        log.info(f"quoted {quote(registered)} {base64.b64encode(b'u:' + registered.encode()).decode()}")
        log.info("hex %s utf-16 %s", registered.encode().hex(), registered.encode("utf-16-le"))
        log.info(f"shaped ghp_{self._shaped('github')} xoxb-{'1234567890-' * 2}{self._shaped('slack')}")
        for padding in (3_990, 7_995, 255_900, 299_990):
            log.info("x" * padding + f" password={new(f'cut at {padding}')} {registered}")
        obskit.get_logger(f"named-{registered}").info("a logger of that name", **{f"field_{registered}": 1})

    def _shaped(self, place: str) -> str:
        return self.values.setdefault(place, fresh(36))

    def _error(self, place: str) -> Exception:
        try:
            try:
                raise KeyError(f"token={self.new(place + ' cause')}")
            except KeyError as cause:
                error = ValueError(f"{MARK} password={self.new(place)} {self.registered}")
                error.add_note(f"secret={self.new(place + ' note')}")
                raise error from cause
        except ValueError as raised:
            return raised

    def _log_errors(self) -> None:
        log = obskit.get_logger("canary")
        log.error("failed", exc_info=self._error("exception"))
        log.error("value", error=self._error("exception as a field"))
        log.error("group", exc_info=ExceptionGroup(f"pwd={self.new('group')}", [self._error("member")]))

    def _log_records(self) -> None:
        old = logging.getLogger("canary.old")
        old.warning("%s password=%s", MARK, self.new("record argument"), extra={"api_key": self.new("extra")})
        old.error("old", exc_info=self._error("record exception"))
        warnings.warn(f"{MARK} token={self.new('warning')}", stacklevel=1)
        error = self._error("uncaught")
        sys.excepthook(type(error), error, error.__traceback__)
        thread = self._error("thread")
        threading.excepthook(threading.ExceptHookArgs((type(thread), thread, thread.__traceback__, None)))

    def _steps(self) -> None:
        with obskit.step(f"call token={self.new('step name')}", password=self.new("step detail")) as step:
            step.add(url=f"https://x:{self.new('step text')}@example.org", raw=self.registered)
            step.fail(f"secret={self.new('step failure')}")
        try:
            with obskit.step("raises"):
                raise self._error("step error")
        except ValueError:
            pass

    def _alert(self) -> None:
        _ = obskit.alert(
            "error",
            f"{MARK} password={self.new('alert')}",
            root_cause=self._error("root cause"),
            links={"Log": f"https://example.org/?sig={self.new('alert link')}"},
            fields={
                "api_key": self.new("alert field"),
                f"token={self.new('alert name')} x": 1,
                "r": self.registered,
            },
        )
