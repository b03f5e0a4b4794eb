"""neurofuse's server and centres as a Flower app."""

CONTENT = "message"  # the one record of every Flower message, and the one value in it
