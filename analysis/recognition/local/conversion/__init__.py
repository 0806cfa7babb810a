"""Builds the models' ONNX files from the weights in packages."""
