"""Published protocols on public data: Gao, Shin, Sweeney, EEGdenoiseNet."""
