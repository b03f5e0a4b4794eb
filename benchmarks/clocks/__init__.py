"""How well two clocks are brought together: pulses and physiology."""
