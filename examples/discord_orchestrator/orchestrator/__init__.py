"""
A thin Discord bot that starts GitHub Actions workflows, written to show obskit in use.

Read `observability` first, then `app`.
"""
