"""Does a known response come back, in its size and with honest statistics, after cleaning?"""
