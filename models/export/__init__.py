"""Export: packaged or trained weights in, a folder that cleans without torch out."""
