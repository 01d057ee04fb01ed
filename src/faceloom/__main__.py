"""The entry point of `python -m faceloom`, which torchrun needs."""

from faceloom.cli.main import run

if __name__ == "__main__":
    run()
