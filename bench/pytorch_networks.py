"""The plain networks of bench/networks.ts, as one writes them in PyTorch."""

from torch import nn
from torch.nn.functional import relu


def conv_norm(inputs, channels, kernel, stride=1):
    conv = nn.Conv2d(inputs, channels, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.first = conv_norm(inputs, channels, 3, stride)
        self.second = conv_norm(channels, channels, 3)
        same = stride == 1 and inputs == channels
        self.shortcut = nn.Identity() if same else conv_norm(inputs, channels, 1, stride)

    def forward(self, x):
        return relu(self.second(relu(self.first(x))) + self.shortcut(x))


class SeparableBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.pointwise = conv_norm(channels, channels, 1)

    def forward(self, x):
        return relu(self.pointwise(self.depthwise(x))) + x


def network(blocks, width, channels):
    stem = (conv_norm(3, width, 3), nn.ReLU())
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def resnet_18():
    stages = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    blocks = [
        block
        for inputs, channels, stride in stages
        for block in (BasicBlock(inputs, channels, stride), BasicBlock(channels, channels, 1))
    ]
    return network(blocks, 64, 512)


def separable():
    return network([SeparableBlock(32) for _ in range(8)], 32, 32)


NETWORKS = {"resnet-18": resnet_18, "separable": separable}
