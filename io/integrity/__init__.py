"""Integrity: a file or what was read of it in; nothing out, or one ReadError that says what is broken."""
