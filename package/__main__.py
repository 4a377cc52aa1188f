"""`python -m nodulus` is the `nodulus` command."""

from nodulus.pipeline.command.main import main

main()
