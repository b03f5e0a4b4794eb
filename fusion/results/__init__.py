"""Tables of results: a comparison in; statistics over participants, Markdown and CSV out."""
