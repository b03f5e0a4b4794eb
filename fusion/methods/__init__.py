"""Everything that can clean: a Recording in, a cleaned one out, behind one interface.

One file a method; `registry` knows them all by name.
"""
