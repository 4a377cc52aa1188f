"""Does a network that starts from weights trained on other CT judge nodules better? The start, and what was tried."""
