"""Does a killed `neurofuse clean` leave all of its outputs or none to the next run?"""
