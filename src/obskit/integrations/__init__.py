"""One small module for each framework that obskit plugs into; each needs its framework installed."""
