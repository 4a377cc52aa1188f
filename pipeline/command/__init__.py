"""The `nodulus` command."""
