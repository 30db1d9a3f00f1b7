"""Writes two small networks as ONNX files: what the exporters of PyTorch leave around a few narrow layers.

usage: export-small.py DIRECTORY             the files of test/files
       export-small.py --opsets DIRECTORY    NETWORK-EXPORTER-OPSET.onnx for operator sets 13 to 21, by each exporter
                                             where it writes them; the older one's last is also converted
"""

import argparse
import warnings

import onnx
import onnx.version_converter
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


SHARED = {"input_names": ["image"], "output_names": ["scores"], "verbose": False}
NEWEST_OF_TORCHSCRIPT = 20
OLDEST_OF_DYNAMO = 18


def by_torchscript(model, path, opset):
    torch.onnx.export(
        model,
        (torch.randn(1, 3, 16, 16),),
        path,
        dynamo=False,
        opset_version=opset,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        dynamic_axes={"image": {0: "batch"}},
        **SHARED,
    )


def by_dynamo(model, path, opset, optimize):
    options = {"dynamo": True, "external_data": False, "optimize": optimize, "opset_version": opset}
    torch.onnx.export(model, (torch.randn(1, 3, 16, 16),), path, **options, **SHARED)


def convert(path, opset, target):
    onnx.save(onnx.version_converter.convert_version(onnx.load(path), opset), target)


def files(directory):
    by_torchscript(Mobile().eval(), f"{directory}/mobile.onnx", 13)
    by_dynamo(Attention().eval(), f"{directory}/attention.onnx", None, optimize=False)
    for name in ("mobile", "attention"):
        without_traces(f"{directory}/{name}.onnx")


def opsets(directory):
    for name, model, oldest in (("mobile", Mobile().eval(), 13), ("attention", Attention().eval(), 14)):
        for opset in range(oldest, NEWEST_OF_TORCHSCRIPT + 1):
            by_torchscript(model, f"{directory}/{name}-torchscript-{opset}.onnx", opset)
        newest = f"{directory}/{name}-torchscript-{NEWEST_OF_TORCHSCRIPT}.onnx"
        convert(newest, NEWEST_OF_TORCHSCRIPT + 1, f"{directory}/{name}-converted-{NEWEST_OF_TORCHSCRIPT + 1}.onnx")
        for opset in range(OLDEST_OF_DYNAMO, 22):
            by_dynamo(model, f"{directory}/{name}-dynamo-{opset}.onnx", opset, optimize=True)


def main():
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    parser = argparse.ArgumentParser()
    parser.add_argument("--opsets", action="store_true")
    parser.add_argument("directory")
    options = parser.parse_args()
    (opsets if options.opsets else files)(options.directory)


if __name__ == "__main__":
    main()
