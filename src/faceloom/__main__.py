"""`python -m faceloom`, as torchrun needs it."""

from faceloom.cli.main import run

if __name__ == "__main__":
    run()
