"""How far do published features come as they are, read about the nodule's middle, alone and beside the network?"""
