"""One clock: two streams on clocks of their own in, one Recording with a `ClockModel` out."""
