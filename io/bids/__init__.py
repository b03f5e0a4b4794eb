"""BIDS: the folder of a session in, a Recording out; a Recording in, a derivative data set out."""
