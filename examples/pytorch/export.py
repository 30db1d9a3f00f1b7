"""A super-network of PyTorch as an ONNX file that halfspace can train: python export.py model.onnx"""

import sys

import torch
from torch import nn


class Unit(nn.Sequential):
    def __init__(self, inputs, outputs, kernel):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Block(nn.Module):
    """Three branches and a skip, of which some will turn out to be enough."""

    def __init__(self, channels):
        super().__init__()
        self.branches = nn.ModuleList(Unit(channels, channels, kernel) for kernel in (1, 3, 5))

    def forward(self, x):
        return x + sum(branch(x) for branch in self.branches)


class SuperNetwork(nn.Module):
    def __init__(self, classes=10, channels=16):
        super().__init__()
        self.features = nn.Sequential(
            Unit(1, channels, 3), nn.MaxPool2d(2), Block(channels), nn.MaxPool2d(2), Block(channels)
        )
        self.head = nn.Linear(channels, classes)

    def forward(self, image):
        return self.head(self.features(image).mean(dim=(2, 3)))


if __name__ == "__main__":
    torch.manual_seed(0)
    # PRESERVE: for evaluation, which is the default, batch normalisation is folded away and what is trained has none.
    torch.onnx.export(
        SuperNetwork().eval(),
        torch.randn(2, 1, 28, 28),
        sys.argv[1],
        dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["logits"],
    )
