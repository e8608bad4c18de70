"""`lrp-jax train` from a clone of the repository: `python train.py --help`."""

import sys

from lrp_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], program="train.py"))
