"""`python -m lrp_jax`: the same as `lrp-jax`."""

import sys

from lrp_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
