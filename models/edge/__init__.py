"""The same cleaning without torch: an exported folder and a Recording in, arrays out.

numpy and scipy compute everything but the network, which onnxruntime runs. Each module is the twin
of the one with its name in `models/joint/` or `models/inference/`; tests hold both together.
"""
