"""``python -m tasktalk`` is the command ``tasktalk``."""

from tasktalk.cli.main import main

if __name__ == "__main__":
    main()
