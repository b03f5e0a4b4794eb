"""`python -m neurofuse` is `neurofuse`."""

from neurofuse.cli.app import main

if __name__ == "__main__":
    main()
