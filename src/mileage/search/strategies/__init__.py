"""One strategy per file; ``default`` chains portfolio and TPE."""
