"""``python -m yieldopt``."""

from yieldopt.cli import main

if __name__ == "__main__":
    main()
