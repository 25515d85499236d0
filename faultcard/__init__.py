"""What loggers do with hostile values and broken processes: ``python -m faultcard``."""
