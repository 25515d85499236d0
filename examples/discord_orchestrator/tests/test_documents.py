"""
What the documents say is so: every name in them exists, and every failure they list happens as they say.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import Final

import pytest

import obskit
from obskit.alerts import Alert, Alerter
from obskit.alerts.sinks import DiscordChannel
from orchestrator import discord as discord_module
from orchestrator.__main__ import main
from standins import Bot, DiscordStandIn, GitHubStandIn, Signer
from standins.server import Reply

HERE: Final = Path(__file__).resolve().parents[1]
ALICE: Final = "80351110224678912"
DOCUMENTS: Final = {name: (HERE / name).read_text("utf-8") for name in ("README.md", "RUNBOOK.md")}
RUNBOOK: Final = DOCUMENTS["RUNBOOK.md"]
DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef)
FAILURES: Final = re.findall(r"^\| (GitHub|Discord|Channel) (\d+) ?(\d*) \| (.*?) \|", RUNBOOK, re.MULTILINE)
FOLDERS: Final = (HERE, Path(obskit.__file__).parent)
SOURCES: Final = "\n".join(
    path.read_text("utf-8")
    for folder in FOLDERS
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.yml"), *folder.rglob("*.yaml")])
    if path.parent.name not in {"tests", "standins"}
)


def names(document: str) -> set[str]:
    """Return what a document writes in code style, blocks left out."""
    prose = re.sub(r"^```.*?^```$|``.+?``", "", DOCUMENTS[document], flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def exists(name: str) -> bool:
    """Say whether the code has *name*, in the form that documents give it."""
    if re.fullmatch(r"[A-Z][A-Z_]+(=\S+)?", name):  # a variable
        return f'"{name.partition("=")[0]}"' in SOURCES
    if re.fullmatch(r"/[a-z-]+( [a-z ]+)?", name):  # a command with its options
        command = next((c for c in discord_module.COMMANDS if c["name"] == name.split(maxsplit=1)[0][1:]), {})
        options = [option["name"] for option in command.get("options", [])]
        return bool(command) and options[: len(name.split()) - 1] == name.split()[1:]
    if re.fullmatch(r'".+"', name):  # the text of a line
        return f"({name}" in SOURCES
    if name == ".env":  # is written by whoever runs the bot
        return True
    if re.fullmatch(r"[\w/.-]+(\.(py|md|yml|yaml|example)|/)", name):
        return (HERE / name).exists() or (HERE.parents[1] / name).exists()
    # A field, a value of one, or something that Python calls.
    return all(re.search(rf"\b{word}\b", SOURCES) for word in re.findall(r"[A-Za-z_]\w+", name))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_name_in_a_document_is_in_the_code(document: str) -> None:
    """
    Variables, commands, lines, fields, files: who copies one out of a document finds it.
    """
    assert [name for name in sorted(names(document)) if not exists(name)] == []


@pytest.mark.parametrize(
    "name", ["NO_SUCH_VARIABLE", "/no-such-command", '"No such line"', "no/such.py", "no_such_field"]
)
def test_a_name_that_is_not_there_is_noticed(name: str) -> None:
    """
    The check above can fail.
    """
    assert not exists(name)


def test_every_variable_of_the_template_is_read_by_the_code() -> None:
    """
    What the template sets has an effect.
    """
    variables = re.findall(r"^ {10}([A-Z_]+): ", (HERE / "template.yaml").read_text("utf-8"), re.MULTILINE)
    assert {"ENABLE_ALERTS", "OBSKIT_TRACE_STORE"} < set(variables)
    assert [name for name in variables if not exists(name)] == []


def test_every_variable_that_the_bot_reads_is_documented() -> None:
    """
    `.env.example` is the list of them; RUNBOOK and README explain what an operator turns.
    """
    example = (HERE / ".env.example").read_text("utf-8")
    read = set(re.findall(r'(?:_setting|env_flag)\(\s*"(\w+)"', SOURCES)) - {"OBSKIT_OTLP"}
    assert {name for name in read if f"{name}=" not in example} == set()


def test_every_use_of_obskit_is_in_the_table() -> None:
    """
    Whoever reads the table has seen them all; types and errors aside.
    """
    table = DOCUMENTS["README.md"].partition("## Every use of obskit")[2].partition("\n## ")[0]
    listed = {
        (file, name)
        for files, uses in re.findall(r"^\| (`orchestrator/.*?) \| (.*) \|$", table, re.MULTILINE)
        for file in re.findall(r"\w+\.py", files)
        for name in re.findall(r"`(\w+)`", uses)
    }
    used = set()
    for path in (HERE / "orchestrator").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "obskit":
                used.add((path.name, node.attr))
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("obskit."):
                used |= {(path.name, alias.name) for alias in node.names}
    quiet = {"Runtime", "OpenTrace", "ConfigError", "StoreError", "Granted", "NO_REPEATS"}
    assert {use for use in used if use[1] not in quiet} - listed == set()
    assert {name for _, name in listed} - {name for _, name in used} == set()


def code_lines(path: Path) -> int:
    """Count the lines of code: no comments, documentation and empty lines."""
    text = path.read_text("utf-8")
    bodies = [node.body for node in ast.walk(ast.parse(text)) if isinstance(node, DOCUMENTED) and node.body]
    spoken = {
        line
        for first, *_ in bodies
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        for line in range(first.lineno, first.end_lineno + 1 if first.end_lineno else 0)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    written = {
        line
        for token in tokens
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(written - spoken)


def test_the_bot_is_as_small_as_it_says_and_smaller_than_its_tests() -> None:
    """
    It is read in one sitting; what is not Discord or GitHub is obskit's.
    """
    lines = {path.name: code_lines(path) for path in (HERE / "orchestrator").glob("*.py")}
    aws, local = lines["aws.py"], lines["local.py"] + lines["__main__.py"]
    counted = [sum(lines.values()) - aws - local, aws, local]
    said = re.search(
        r"bot is (\d+) lines of code.*?(\d+) lines on AWS.*?(\d+) on one machine",
        DOCUMENTS["README.md"],
        re.DOTALL,
    )
    assert said
    assert counted == pytest.approx([int(number) for number in said.groups()], abs=5)
    assert sum(lines.values()) * 2 < sum(map(code_lines, (HERE / "tests").glob("*.py")))


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"-m orchestrator ([a-z]+)", "".join(DOCUMENTS.values()))))
)
def test_a_command_line_in_a_document_is_one(name: str) -> None:
    """
    `python -m orchestrator ...` has the commands that documents name.
    """
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])


def test_the_difference_that_obskit_makes_is_shown_as_it_is() -> None:
    """
    Each diff, its minus lines left out, is a piece of the file that is named before it.
    """
    diffs = re.findall(
        r"`(orchestrator/\w+\.py)`[^`]*```diff\n(.*?)^```$", DOCUMENTS["README.md"], re.MULTILINE | re.DOTALL
    )
    assert len(diffs) == DOCUMENTS["README.md"].count("```diff")
    for name, diff in diffs:
        shown = "".join(line[1:] for line in diff.splitlines(keepends=True) if not line.startswith("-"))
        assert shown in (HERE / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("service", "status", "code", "words"), [row for row in FAILURES if row[0] != "Channel"], ids=" ".join
)
def test_a_failure_in_the_catalogue_is_logged_and_told_as_it_says(
    app: Bot,
    signer: Signer,
    github: GitHubStandIn,
    discord: DiscordStandIn,
    monkeypatch: pytest.MonkeyPatch,
    *,
    service: str,
    status: str,
    code: str,
    words: str,
) -> None:
    """
    The cause begins with the code, and the words are those that people read.
    """
    monkeypatch.setattr(discord_module, "_PAUSES", ())
    body: dict[str, object] = {"message": "no", **({"code": int(code)} if code else {})}
    stand_in, route = (github, "dispatch") if service == "GitHub" else (discord, "edit")
    stand_in.script(route, Reply(int(status), body))
    app.ask(signer.command("diagnose", user_id=ALICE))
    app.finish()
    (failed,) = app.logged(msg="Command failed")
    assert failed["cause"].startswith(f"{service} answered {status}: {code}")
    assert words in app.alerts.alerts[0].message
    if service == "GitHub":
        assert words in discord.edits[0]["content"]


@pytest.mark.parametrize(
    ("status", "code", "words"), [row[1:] for row in FAILURES if row[0] == "Channel"], ids=" ".join
)
def test_an_alert_that_the_channel_refuses_is_told_as_the_catalogue_says(
    discord: DiscordStandIn, capfd: pytest.CaptureFixture[str], status: str, code: str, words: str
) -> None:
    """
    One line on stderr has the words and the code.
    """
    discord.script("message", Reply(int(status), {"message": "no", **({"code": int(code)} if code else {})}))
    alerter = Alerter([DiscordChannel(discord.bot_token, "112233445566778899", base_url=discord.base)])
    assert alerter.send(Alert(severity="error", message="broken")).wait(10.0) == "failed"
    alerter.close()
    told = capfd.readouterr().err
    assert words in told
    assert f"Discord answered {status}" in told
    assert code in told


def test_the_catalogue_is_read_completely() -> None:
    """
    No row escapes the tests above because of its spelling.
    """
    assert len(FAILURES) == RUNBOOK.partition("Without a code:")[0].count("\n| ") - 1
