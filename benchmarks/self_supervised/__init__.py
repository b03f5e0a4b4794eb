"""Are people to learn from so scarce that pretraining without truth could pay?"""
