"""How much faster is the network, and the whole command, by each engine?"""
