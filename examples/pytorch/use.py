"""The sub-network back in Python: python use.py sub.onnx. Answers with its size and how fast it is."""

import sys
import time

import numpy
import onnx
import onnxruntime

path = sys.argv[1]
onnx.checker.check_model(path)
parameters = sum(numpy.prod(tensor.dims) for tensor in onnx.load(path).graph.initializer)

session = onnxruntime.InferenceSession(path)
images = numpy.random.default_rng(0).standard_normal((64, 1, 28, 28), dtype=numpy.float32)
start = time.perf_counter()
(logits,) = session.run(None, {session.get_inputs()[0].name: images})
seconds = time.perf_counter() - start
print(f"{parameters} numbers, logits {logits.shape}, {len(images) / seconds:.0f} images a second")
