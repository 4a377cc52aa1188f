"""How nodules and figures are drawn."""
