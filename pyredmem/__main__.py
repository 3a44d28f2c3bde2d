"""Entry point of `python -m pyredmem` and of the console script."""

import os
import sys

from pyredmem import cli


def main() -> None:
    """Run the command line and leave without tearing down the interpreter.

    A data set of a million keys takes the interpreter seconds to free piece by piece at exit; the operating system
    takes the memory back at once.
    """
    status = cli.main(sys.argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
