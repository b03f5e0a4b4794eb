"""Numbers that the stages share with their twins that need no torch (`models/edge/`)."""

REACHES = (0.0, 0.3, 1.0)  # s around a frame in which a witness's movement counts
WITNESSES = ("partner", "head")
TOLD = 1 + len(REACHES)  # what a witness says in each frame
RIDGES = (1e-6, 1e-4, 1e-2)  # fractions of the mean of a diagonal
MOST_IN_MOTION = 0.6  # of a window's samples; with more it is cheaper to solve for all
LARGEST_MATRICES = 2**23  # numbers in the covariances of the windows that are solved at once
SPEAKERS = 12  # channels whose evidence is worked out
