"""Benchmarks at full size, side by side with other tools: ``python -m tests.bench`` or ``make bench``."""
