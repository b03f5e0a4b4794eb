"""A recording at a look: recordings before and after in; what plots, pages and notebooks show out."""
