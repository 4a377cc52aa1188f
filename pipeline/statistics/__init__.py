"""How well scores tell classes apart, and how surely: numpy and scipy only, nothing of ours but each other."""
