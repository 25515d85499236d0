"""
Show a trace as one HTML file that needs nothing else: to open offline, or to attach to an issue.

Pure. The page has no script. Its policy forbids every request and every style but its
own, so it also forbids style attributes: what depends on the trace is drawn with
attributes of SVG. Everything of the trace is escaped in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ..encoding.exceptions import ErrorInfo
from ..ids import get_trace_fingerprint
from .model import ExecutionTrace, Step
from .view import depths, seconds, shown_value, still

#: Controls, lone surrogates, and characters that turn text around.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DEEPEST: Final = 6

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2128; --faint: #59636e; --line: #d8dee4; --paper: #fff;
  --ok: #2da44e; --error: #cf222e; --running: #bf8700; --cancelled: #6e7781; --lost: #8250df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --line: #30363d;
  --paper: #0d1117; --ok: #3fb950; --error: #f85149; --running: #d29922; --cancelled: #8b949e;
  --lost: #bc8cff; } }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 0.95rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
a { color: inherit; }
dl { display: grid; grid-template-columns: fit-content(40%) 1fr; gap: 0 1rem; margin: 0.25rem 0; }
dt { color: var(--faint); overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
code, pre, dd { font-family: ui-monospace, monospace; font-size: 0.85rem; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px; }
.failed { border-left: 3px solid var(--error); padding-left: 0.75rem; overflow-wrap: anywhere; }
.step, h1 { --mark: var(--ok); }
.step { border-top: 1px solid var(--line); }
.step > dl, .step > .failed { margin: 0.25rem 0 0.75rem 1.75rem; }
summary { cursor: pointer; padding: 0.25rem 0.25rem; border-radius: 4px; }
summary:hover { background: color-mix(in srgb, var(--line) 40%, transparent); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--ok); outline-offset: 1px; }
.row { display: inline-grid; grid-template-columns: minmax(8rem, 22rem) 1fr 9rem; gap: 0.75rem;
  width: calc(100% - 1.5rem); align-items: center; vertical-align: middle; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.time { text-align: right; font-variant-numeric: tabular-nums; color: var(--faint); white-space: nowrap; }
.in1 .name { padding-left: 1rem; } .in2 .name { padding-left: 2rem; } .in3 .name { padding-left: 3rem; }
.in4 .name { padding-left: 4rem; } .in5 .name { padding-left: 5rem; } .in6 .name { padding-left: 6rem; }
svg { display: block; width: 100%; height: 0.8rem; border-radius: 3px;
  background: color-mix(in srgb, var(--line) 35%, transparent); }
.error { --mark: var(--error); } .running { --mark: var(--running); } .lost { --mark: var(--lost); }
.cancelled { --mark: var(--cancelled); }
rect { fill: var(--mark); }
.running rect { fill-opacity: 0.5; stroke: var(--mark); stroke-dasharray: 4 3; }
h1::before, .name::before { content: "\\25CF\\00A0"; color: var(--mark); }
@media (max-width: 40rem) {
  .row { grid-template-columns: 1fr 9rem; }
  .row svg { grid-column: 1 / -1; grid-row: 2; } }
@media print { summary { break-inside: avoid; } }
"""


def to_html(trace: ExecutionTrace) -> str:
    """
    Show *trace* as a page of HTML: what was asked, a waterfall of its steps, and why it failed.

    The page is one file, makes no request, runs no script, can be used with the keyboard
    alone, and follows the light or dark setting of whoever reads it.
    """
    trace = still(trace)
    title = f"{trace.command} · {get_trace_fingerprint(trace.trace_id)}"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1 class="{trace.status}">{_text(trace.command)}</h1>
{_about(trace)}
{_section("Error", _failure(trace.error))}
{_section("Links", _links(trace.links))}
{_steps(trace)}
{_section("Attributes", _facts(trace.attributes))}
</body>
</html>
"""


def _policy() -> str:
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _about(trace: ExecutionTrace) -> str:
    facts = {
        "Status": f"{trace.status}, {seconds(trace.duration_ms)}",
        "Started": trace.started_at,
        "Trace": trace.trace_id,
        "User": trace.user_id,
        "Correlation": trace.correlation_id,
        "Caused by span": trace.parent_id,
        "Left out": ", ".join(f"{count} {what}" for what, count in trace.dropped.items()),
    }
    return _facts({name: value for name, value in facts.items() if value})


def _steps(trace: ExecutionTrace) -> str:
    ends = [step.started_ms + step.duration_ms for step in trace.steps]
    whole = max([trace.duration_ms, *ends, 0.001])
    steps = zip(trace.steps, depths(trace.steps), strict=True)
    return _section(
        f"Steps within {seconds(whole)}", "\n".join(_step(step, depth, whole) for step, depth in steps)
    )


def _step(step: Step, depth: int, whole: float) -> str:
    inset = f" in{min(depth, _DEEPEST)}" if depth else ""
    start, width = (max(0.0, part) / whole * 100 for part in (step.started_ms, step.duration_ms))
    outcome = "" if step.status == "ok" else f"{step.status}, "
    told = f"{step.status}, from {seconds(step.started_ms)}, for {seconds(step.duration_ms)}"
    bar = f'<rect x="{start:.3f}%" width="{max(width, 0.2):.3f}%" height="100%"></rect>'
    return f"""\
<details class="step {step.status}{inset}"{" open" * (step.status == "error")}>
<summary><span class="row"><span class="name">{_text(step.name)}</span>
<svg role="img" aria-label="{told}">{bar}</svg>
<span class="time">{outcome}{seconds(step.duration_ms)}</span></span></summary>
{_facts({"Started after": seconds(step.started_ms), "Step": step.id, **step.details})}
{_failure(step.error)}
</details>"""


def _failure(error: ErrorInfo | None) -> str:
    if error is None:
        return ""
    told = f'<p class="failed">{_text(error.summary)}</p>'
    if error.causes:
        told += _list(_text(f"{cause.relation}: {cause.type}: {cause.message}") for cause in error.causes)
    if error.stack:
        told += f"<details><summary>Traceback</summary><pre>{_text(error.stack)}</pre></details>"
    return told


def _links(links: Mapping[str, str]) -> str:
    return _list(
        f'<a href="{_text(url)}" rel="noopener noreferrer">{_text(label)}</a>'
        for label, url in links.items()
        # They were looked at when they were recorded; a store may have been meddled with.
        if url.lower().startswith(("https://", "http://"))
    )


def _facts(values: Mapping[str, object]) -> str:
    rows = [f"<dt>{_text(name)}</dt><dd>{_text(shown_value(value))}</dd>" for name, value in values.items()]
    return f"<dl>{''.join(rows)}</dl>" if rows else ""


def _list(items: Iterable[str]) -> str:
    shown = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{shown}</ul>" if shown else ""


def _section(heading: str, shown: str) -> str:
    """Put a heading above what is *shown*, if anything is."""
    return f"<h2>{heading}</h2>\n{shown}" if shown else ""


def _text(text: str) -> str:
    """Make *text* harmless wherever it stands in the page, attributes in quotes included."""
    from html import escape

    return escape(_UNFIT.sub("\ufffd", text), quote=True)
