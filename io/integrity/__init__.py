"""Integrity: a file or its Recording in; nothing out, or one ReadError that says what is broken."""
