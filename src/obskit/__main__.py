"""Run the ``obskit`` command: ``python -m obskit``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
