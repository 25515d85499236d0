"""
Ways for a secret to leave the process: on stdout in a line, or on stderr in a complaint.

Each is a fault like any other, with a secret made at run time. It has the form of a
GitHub token, so that it can be known by its looks as well as by its key.
"""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass
from typing import Any

from faultcard.faults.model import Faults, Run
from faultcard.stages import broken_pipe, full_disk

FAULTS = Faults()
fault = FAULTS.fault


def secret_of(run: Run) -> str:
    """Make a secret and tell the parent what to look for."""
    token = "ghp_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))
    run.report(secret=token)
    return token


@dataclass
class _Client:
    token: str


@fault()
def field_called_password(run: Run) -> None:
    """A field called `password`."""
    run.log.info("signed in", password=secret_of(run))


@fault()
def header_inside_a_payload(run: Run) -> None:
    """An `Authorization` header deep inside a payload."""
    run.log.info("sent", request={"headers": [{"Authorization": f"Bearer {secret_of(run)}"}]})


@fault()
def token_in_the_message(run: Run) -> None:
    """A token in the message."""
    run.log.info(f"using {secret_of(run)} now")


@fault()
def token_as_argument(run: Run) -> None:
    """A token as an argument of the message."""
    run.log.info("using %s now", secret_of(run))


@fault()
def token_as_wrong_argument(run: Run) -> None:
    """A token as an argument that does not fit the message."""
    try:
        run.log.info("%d left", secret_of(run))
    except Exception:
        run.report(raised="into the application")


@fault()
def password_in_a_url(run: Run) -> None:
    """A password in a URL."""
    run.log.info("connecting", url=f"postgresql://ada:{secret_of(run)}@example.org/db")


@fault()
def token_of_an_object(run: Run) -> None:
    """An object whose `repr` shows its token."""
    run.log.info("client", client=_Client(secret_of(run)))


@fault()
def token_in_an_exception(run: Run) -> None:
    """A token in the text of an exception that is logged."""
    try:
        raise ValueError(f"401 for {secret_of(run)}")
    except ValueError:
        run.log.exception("failed")


@fault()
def token_in_a_cause(run: Run) -> None:
    """A token in the text of an exception's cause and in a note."""
    secret = secret_of(run)
    try:
        try:
            raise KeyError(secret)
        except KeyError as cause:
            reason = ValueError("failed")
            reason.add_note(f"while using {secret}")
            raise reason from cause
    except ValueError:
        run.log.exception("failed")


@fault()
def token_in_a_local_variable(run: Run) -> None:
    """A local variable of the function that failed, which is logged with its traceback."""

    def call_service(token: str) -> None:
        raise ConnectionError("refused")

    token = secret_of(run)
    try:
        call_service(token)
    except ConnectionError:
        run.log.exception("failed")


@fault()
def password_beside_what_cannot_be_shown(run: Run) -> None:
    """A password beside a value whose `repr` and `str` raise."""

    class Mute:
        def __repr__(self) -> str:
            raise ValueError("no repr")

        __str__ = __repr__

    try:
        run.log.info("sent", password=secret_of(run), value=Mute())
    except Exception:
        run.report(raised="into the application")


@fault(full_disk, status=0)
def password_on_a_full_disk(run: Run) -> None:
    """A field called `password` while stdout is on a full disk."""
    _log_and_go_on(run, "signed in", password=secret_of(run))


@fault(full_disk)
def token_on_a_full_disk(run: Run) -> None:
    """A token in the message while stdout is on a full disk."""
    _log_and_go_on(run, f"using {secret_of(run)} now")


@fault(broken_pipe)
def exception_when_the_reader_is_gone(run: Run) -> None:
    """An exception with a token is logged while the reader of stdout is gone."""
    try:
        raise ValueError(f"401 for {secret_of(run)}")
    except ValueError:
        _log_and_go_on(run, "failed", exception=True)


@fault(status=1)
def uncaught_exception_with_a_token(run: Run) -> None:
    """An exception with a token that nobody catches."""
    raise ValueError(f"401 for {secret_of(run)}")


@fault()
def uncaught_exception_in_a_thread(run: Run) -> None:
    """An exception with a token that nobody catches, in a thread."""
    secret = secret_of(run)

    def work() -> None:
        raise ValueError(f"401 for {secret}")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _log_and_go_on(run: Run, message: str, *, exception: bool = False, **fields: Any) -> None:
    """Log as a program does that survives its logger."""
    try:
        (run.log.exception if exception else run.log.info)(message, **fields)
    except Exception:
        run.report(raised="into the application")


LEAKS = {fault.name: fault for fault in FAULTS}
