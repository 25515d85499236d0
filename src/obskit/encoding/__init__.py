"""
Turn anything into a line: any value to JSON values, exceptions to data, events to bytes.

Everything here is pure and total: no input raises, none is changed, and the
size of what comes out is bounded.
"""
