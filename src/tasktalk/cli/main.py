"""Where the program begins: an interrupt is one sentence from here on, also while Python still imports the rest."""

import sys


def main() -> None:
    """Run the command line; errors as for ``cli.app.run``, and exit code 130 after an interrupt."""
    try:
        from tasktalk.cli.app import run

        run()
    except BaseException as error:
        from tasktalk.core import launch
        from tasktalk.core.errors import is_interrupt

        if not is_interrupt(error):
            raise
        if launch.is_main():  # commands that write have their own sentence, and end elsewhere
            sys.stderr.write("\nstopped; nothing was written\n")
        sys.exit(130)
