"""A program on asyncio: python asyncio_program.py"""

import asyncio
import os

import obskit

log = obskit.get_logger("watch")


@obskit.traced
async def check(host: str) -> None:
    """Look at one host; tasks go on with the trace that started them, and no line shows the token."""
    log.info("host looked at", host=host, token=os.environ.get("WATCH_TOKEN"))
    if host == "c.example":
        raise ConnectionError(f"{host} is down")


async def sweep() -> bool:
    """Look at all hosts at once, as one command with a step for each."""
    with obskit.trace("sweep") as trace:
        try:
            async with asyncio.TaskGroup() as group:
                for host in ("a.example", "b.example", "c.example"):
                    group.create_task(check(host))
        except* ConnectionError as errors:
            log.exception("sweep failed")
            trace.fail(errors)
    return trace.status == "ok"


async def main() -> bool:
    """Sweep twice: the same failure is one alert."""
    obskit.logs.watch_loop()  # what nobody awaits is logged as well
    return all([await sweep(), await sweep()])


if __name__ == "__main__":
    with obskit.configure(service="watch", alert_level="error"):
        raise SystemExit(0 if asyncio.run(main()) else 1)
