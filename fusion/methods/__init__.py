"""Everything that can clean: a Recording in, a cleaned one out, behind one interface; a file each."""
