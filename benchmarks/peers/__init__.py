"""The same work by other libraries; each module is imported in its own process (see benchmarks/harness.py)."""
