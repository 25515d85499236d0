"""How fast obskit is, next to the least that the job costs and to its peers: ``python -m benchmarks``."""
