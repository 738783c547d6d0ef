"""`deepnet` and `python -m deepnet_cli`."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from deepnet_cli.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    # `python -m` puts the working directory first: a yaml.py in it must not be run.
    sys.path.pop(0)
    main()
