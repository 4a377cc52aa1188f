"""How fast is it, and how much memory does it take, side by side with the alternatives?"""
