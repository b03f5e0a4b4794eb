"""The network: windows of both modalities as tensors in, artifact, motion mask and variance out.

Settings stand in `architecture`. In the order that data takes: `tensors`, `bands`,
`prediction_residual`, `features`, `network`, `autoencoder`, `wiener`, `baseline_level`,
`uncertainty`."""
