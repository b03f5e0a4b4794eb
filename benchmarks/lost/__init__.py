"""Is what measured nothing of the participant called lost, and nothing else?"""
