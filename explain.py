"""`lrp-jax explain` from a clone of the repository: `python explain.py --help`."""

import sys

from lrp_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["explain", *sys.argv[1:]], program="explain.py"))
