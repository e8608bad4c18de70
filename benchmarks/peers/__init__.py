"""The same work by others, each module imported in a process of its own (see benchmarks/harness.py)."""
