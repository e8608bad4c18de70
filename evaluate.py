"""`lrp-jax evaluate` from a clone of the repository: `python evaluate.py --help`."""

import sys

from lrp_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]], program="evaluate.py"))
