"""What do two readouts of published stages give that never train: a regression at the middle, and late stages?"""
