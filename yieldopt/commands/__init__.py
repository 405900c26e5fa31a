"""The commands of the command line: words in, words out, a file for each group of them.

Each module has its commands by name in ``COMMANDS``. What a command needs it imports when it runs:
``--version`` and ``--help`` load nothing heavy.
"""
