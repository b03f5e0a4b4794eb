"""What kind a movement is: its description in both modalities in, probabilities of kinds out."""
