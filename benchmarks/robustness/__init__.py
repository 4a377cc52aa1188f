"""Do scores hold on scans that are noisier, sharper, softer or thicker than those that trained the network?"""
