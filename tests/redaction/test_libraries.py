"""Records of the libraries that people use: pydantic, attrs, dataclasses and named tuples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest

from obskit.gate import Gate
from obskit.redaction import Redactor

SECRET = "planted" + "Secret77"
REDACTOR = Redactor()


class Login(pydantic.BaseModel):
    """A model with a secret, one that hides itself and one in text."""

    user: str = "ada"
    password: str = SECRET
    token: pydantic.SecretStr = pydantic.SecretStr(SECRET)
    note: str = f"password={SECRET}"


class Frozen(pydantic.BaseModel, frozen=True, extra="allow"):
    """A frozen model that takes more fields."""

    inner: Login = Login()
    _private: str = pydantic.PrivateAttr(default=f"token={SECRET}")


@pydantic.dataclasses.dataclass
class Checked:
    """A dataclass of pydantic."""

    api_key: str = SECRET


@attrs.define
class Slotted:
    """A class of attrs with slots, whose own repr hides nothing."""

    user: str = "ada"
    secret: str = SECRET


@attrs.frozen(slots=False)
class Open:
    """A frozen class of attrs without slots."""

    inner: Slotted = attrs.Factory(Slotted)
    hidden: str = attrs.field(default=f"token={SECRET}", repr=False)


@dataclass(slots=True)
class Base:
    """A dataclass with slots."""

    password: str = SECRET


@dataclass
class Derived(Base):
    """One that adds a dict to the slots of its base."""

    notes: list[str] = field(default_factory=lambda: [f"token={SECRET}"])


class Row(NamedTuple):
    """A named tuple."""

    user: str
    pin: int


RECORDS: dict[str, Callable[[], object]] = {
    "pydantic": Login,
    "pydantic-frozen": lambda: Frozen.model_validate({"api_key": SECRET}),
    "pydantic-dataclass": Checked,
    "attrs": Slotted,
    "attrs-frozen": Open,
    "dataclass": Derived,
    "named-tuple": lambda: Row("ada", 7777),
}


@pytest.mark.parametrize("make", RECORDS.values(), ids=RECORDS)
def test_records_keep_their_type_and_lose_their_secrets(make: Callable[[], object]) -> None:
    """A record comes back as one of its type, and the original is not changed."""
    record = make()
    before = copy.deepcopy(record)
    shown: Any = REDACTOR({"a": [record]})["a"][0]
    assert type(shown) is type(record)
    assert record == before
    for text in (repr(shown), str(vars(shown) if hasattr(shown, "__dict__") else shown)):
        assert "Secret77" not in text
        assert "7777" not in text
    assert REDACTOR(shown) is shown


@pytest.mark.parametrize("make", RECORDS.values(), ids=RECORDS)
def test_records_are_safe_in_log_lines(make: Callable[[], object]) -> None:
    """A record as a field of a line shows no secret either."""
    shown = str(Gate(REDACTOR).fields({"record": make(), "records": [make()]}))
    assert "Secret77" not in shown
    assert "7777" not in shown


def test_model_still_works_after_redaction() -> None:
    """What comes back is a whole model: it can be dumped, copied and compared."""
    shown = REDACTOR(Login())
    assert shown.model_dump(mode="json") == {
        "user": "ada",
        "password": "***",
        "token": "**********",
        "note": "password=***",
    }
    frozen = REDACTOR(Frozen.model_validate({"api_key": SECRET}))
    assert frozen.model_copy().model_dump()["api_key"] == "***et77"
    assert frozen._private == "***"


@pytest.mark.parametrize("name", ["greeting", "password"])
def test_value_that_hides_itself_stays_itself(name: str) -> None:
    """SecretStr shows nothing, so it comes back as it is; one that shows its value does not."""
    value = {name: pydantic.SecretStr(SECRET), "b": {name: pydantic.SecretBytes(SECRET.encode())}}
    assert REDACTOR(value) is value
    assert "Secret77" not in str(Gate(REDACTOR).fields(value))

    class Leaky(pydantic.SecretStr):
        def __repr__(self) -> str:
            return self.get_secret_value()

    assert REDACTOR({"password": Leaky(SECRET)}) == {"password": "***"}


def test_records_without_secrets_come_back_as_they_are() -> None:
    """No copy is made where nothing is hidden."""
    for record in (Login(password="***", note="", token=pydantic.SecretStr("")), Slotted(secret="***")):
        assert REDACTOR(record) is record
