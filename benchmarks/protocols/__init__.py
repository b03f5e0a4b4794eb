"""Published protocols (Gao, Shin, Sweeney, EEGdenoiseNet): public data in, their figures out."""
