"""The network: windows of both modalities as tensors in, artifact, motion mask and variance out.

In the order that data takes: `tensors`, `bands`, `prediction_residual`, `network`, `autoencoder`,
`wiener`, `baseline_level`, `uncertainty`."""
