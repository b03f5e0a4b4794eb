"""What a user does with a Recording: clean, compare, report.

`neurofuse.clean`, `neurofuse.compare` and `neurofuse.report` are these modules' functions;
`peers.PEERS` lists the classical methods.
"""
