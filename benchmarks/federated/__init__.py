"""Is a model that centres train without sharing recordings as good as one trained on all of them?

`arms` trains, `scores` scores each model on each person, `__main__` writes the page.
"""
