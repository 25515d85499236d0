"""How much of what is secret in a text redactors hide, and how much else: ``python -m redactioncard``."""
