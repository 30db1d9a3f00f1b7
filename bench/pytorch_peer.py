"""Trains a described network in PyTorch, a JSON line a request; the peer of bench/step.ts.

Requests: {"request": "load", "network", "batch", "threads"}, {"request": "steps", "layout", "count"} and
{"request": "version"}. A step is forward, backward and an SGD momentum update, as on our side.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "HardSigmoid": F.hardsigmoid,
    "HardSwish": F.hardswish,
    "Silu": F.silu,
    "Gelu": F.gelu,
}


def conv(attrs, x, w, b=None):
    top, left, bottom, right = attrs["padding"]
    padding = (top, left)
    if (top, left) != (bottom, right):
        x, padding = F.pad(x, (left, right, top, bottom)), 0
    return F.conv2d(x, w, b, attrs["strides"], padding, attrs["dilations"], int(attrs["groups"]))


def batch_norm(attrs, x, scale, bias, mean, var):
    return F.batch_norm(x, mean, var, scale, bias, True, attrs["momentum"], attrs["epsilon"])


def max_pool(attrs, x):
    return F.max_pool2d(x, attrs["kernel"], attrs["strides"], attrs["padding"][:2])


def average_pool(attrs, x):
    include = bool(attrs["countIncludePad"])
    return F.avg_pool2d(x, attrs["kernel"], attrs["strides"], attrs["padding"][:2], False, include)


def resize(attrs, x, shape):
    if attrs["mode"] == "nearest":
        return F.interpolate(x, size=shape[2:], mode="nearest")
    return F.interpolate(x, size=shape[2:], mode="bilinear", align_corners=attrs["coordinates"] == "align_corners")


def apply(node, values):
    op, attrs = node["op"], node["attrs"]
    if op in ACTIVATIONS:
        return ACTIVATIONS[op](*values)
    if op == "Conv":
        return conv(attrs, *values)
    if op == "BatchNorm":
        return batch_norm(attrs, *values)
    if op in ("Sum", "Add"):
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total
    if op == "Mul":
        return values[0] * values[1]
    if op == "Slice":
        for axis, start, size in zip(attrs["axes"], attrs["starts"], attrs["sizes"]):
            values = [values[0].narrow(int(axis), int(start), int(size))]
        return values[0]
    if op == "Concat":
        return torch.cat(values, int(attrs["axis"]))
    if op == "MaxPool":
        return max_pool(attrs, *values)
    if op == "AveragePool":
        return average_pool(attrs, *values)
    if op == "GlobalAveragePool":
        return F.adaptive_avg_pool2d(values[0], 1)
    if op == "Resize":
        return resize(attrs, values[0], node["shape"])
    if op in ("Flatten", "Reshape", "Squeeze"):
        return values[0].reshape([values[0].shape[0], *node["shape"][1:]])
    if op == "Linear":
        return F.linear(*values)
    raise SystemExit(f"the PyTorch peer does not know the operator {op}")


class Described(torch.nn.Module):
    """Runs the nodes of a description in order."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.names = {}
        for parameter in network["parameters"]:
            value = torch.randn(parameter["shape"]) * 0.05 if len(parameter["shape"]) > 1 else torch.ones(parameter["shape"])
            key = parameter["name"].replace(".", "/")
            self.names[parameter["name"]] = key
            if parameter["trainable"]:
                self.register_parameter(key, torch.nn.Parameter(value))
            else:
                self.register_buffer(key, value)

    def forward(self, image):
        values = {self.network["inputs"][0]["name"]: image}
        for name, key in self.names.items():
            values[name] = getattr(self, key)
        for node in self.network["nodes"]:
            values[node["outputs"][0]] = apply(node, [values[name] for name in node["inputs"]])
        return values[self.network["output"]]


class Trainer:
    """One model in one memory format, with its data and optimizer."""

    def __init__(self, network, batch, layout):
        torch.manual_seed(0)
        memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.model = Described(network).to(memory_format=memory_format).train()
        shape = [batch, *network["inputs"][0]["shape"][1:]]
        self.images = torch.randn(shape).to(memory_format=memory_format)
        classes = next(n["shape"] for n in network["nodes"] if n["outputs"][0] == network["output"])[1]
        self.labels = torch.randint(0, classes, (batch,))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()


def timed_steps(trainer, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        trainer.step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    torch.set_flush_denormal(True)
    network, batch, trainers = None, 1, {}
    for line in sys.stdin:
        message = json.loads(line)
        answer = {}
        if message["request"] == "load":
            torch.set_num_threads(message["threads"])
            network, batch, trainers = message["network"], message["batch"], {}
        elif message["request"] == "steps":
            layout = message["layout"]
            if layout not in trainers:
                trainers[layout] = Trainer(network, batch, layout)
            answer["milliseconds"] = timed_steps(trainers[layout], message["count"])
        elif message["request"] == "version":
            answer["version"] = torch.__version__
        print(json.dumps(answer), flush=True)


main()
