"""`python -m nodulus.pipeline` is the `nodulus` command."""

from .cli import main

main()
