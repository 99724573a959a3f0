"""`python -m zoo.cli`, for where the script is not on the path."""

from zoo.cli import main

main()
