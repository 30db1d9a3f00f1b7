"""Writes the two small files in test/files: what the exporters of PyTorch leave around a few narrow layers.

usage: export-small.py DIRECTORY
"""

import sys
import warnings

import onnx
import torch
from torch import nn


class Mobile(nn.Module):
    """Convolutions as in mobile networks: depthwise, squeezed and excited, shuffled, pooled at two sizes."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU6())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1))
        self.gate = nn.Hardsigmoid()
        self.pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.head = nn.Linear(16, 10)

    def forward(self, image):
        x = self.stem(image)
        y = self.depthwise(x)
        y = y * self.gate(self.squeeze(y)) + x
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        left, right = y.chunk(2, 1)
        y = torch.cat([right, nn.functional.interpolate(self.pool(y), size=(h, w)), left], 1)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(y, 1), 1))


class Attention(nn.Module):
    """Patches, a class token, one layer of attention and one of a perceptron."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(torch.randn(1, 17, 16))
        self.block = nn.TransformerEncoderLayer(16, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.block(x)[:, 0])


def without_traces(path):
    """Drops what says where a file was made."""
    model = onnx.load(path)
    model.ClearField("metadata_props")
    graph = model.graph
    graph.ClearField("doc_string")
    for list_ in (graph.node, graph.value_info, graph.initializer, graph.input, graph.output, model.functions):
        for item in list_:
            item.ClearField("metadata_props")
            item.ClearField("doc_string")
    onnx.save(model, path)


def main():
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    directory, image = sys.argv[1], torch.randn(1, 3, 16, 16)
    shared = {"input_names": ["image"], "output_names": ["scores"], "verbose": False}
    torch.onnx.export(
        Mobile().eval(), (image,), f"{directory}/mobile.onnx", dynamo=False, opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        dynamic_axes={"image": {0: "batch"}}, **shared,
    )
    torch.onnx.export(
        Attention().eval(), (image,), f"{directory}/attention.onnx", dynamo=True, external_data=False,
        optimize=False, **shared,
    )
    for name in ("mobile", "attention"):
        without_traces(f"{directory}/{name}.onnx")


if __name__ == "__main__":
    main()
