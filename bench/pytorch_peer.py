"""Trains a network in PyTorch, a JSON line a request; the peer of bench/peer.ts.

{"request": "load", "network", "handwritten", "batch", "threads", "device", "precision"} answers {"parameters"}; the
network is the one of that name in pytorch_networks.py, or else made from its description. In "bf16" the forward pass and
the loss are under torch.autocast, in other precisions not.
{"request": "steps", "layout", "count"} answers {"milliseconds"}, {"request": "growth"}
{"bytes"}: what the process had more at its peak than before it was given the network that it has now.
A step is forward, backward and an SGD momentum update, as on our side.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

from pytorch_networks import NETWORKS

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


def spent_after(network):
    """For each node, what no later node reads, so that only what backward wants stays alive, as in networks by hand."""
    last = {}
    for index, node in enumerate(network["nodes"]):
        for name in [*node["inputs"], *node["outputs"]]:
            last[name] = index
    del last[network["output"]]
    spent = [[] for _ in network["nodes"]]
    for name, index in last.items():
        spent[index].append(name)
    return spent


class Described(torch.nn.Module):
    """Runs the nodes of a description in order."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.spent = spent_after(network)
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
        for node, spent in zip(self.network["nodes"], self.spent):
            values[node["outputs"][0]] = apply(node, [values[name] for name in node["inputs"]])
            for name in spent:
                values.pop(name, None)
        return values[self.network["output"]]


class Trainer:
    """One model in one memory format, with its data and optimizer."""

    def __init__(self, layout, network, handwritten, batch, device, precision):
        torch.manual_seed(0)
        memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.model = make_model(network, handwritten).to(device, memory_format=memory_format).train()
        shape = [batch, *network["inputs"][0]["shape"][1:]]
        self.images = torch.randn(shape).to(device, memory_format=memory_format)
        self.labels = torch.randint(0, network["classes"], (batch,)).to(device)
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        if self.images.is_cuda:
            torch.cuda.synchronize()


def make_model(network, handwritten):
    return NETWORKS[handwritten]() if handwritten else Described(network)


def timed_steps(trainer, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        trainer.step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def status_bytes(key):
    """A line of /proc/self/status: `VmRSS` is what is resident, `VmHWM` the most that ever was."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


class Peer:
    """Answers requests; makes a trainer for a layout when it is first asked for."""

    def load(self, network, handwritten, batch, threads, device, precision):
        self.before = status_bytes("VmRSS")
        torch.set_num_threads(threads)
        self.settings = (network, handwritten, batch, device, precision)
        self.trainers = {}
        model = make_model(network, handwritten)
        return {"parameters": sum(parameter.numel() for parameter in model.parameters())}

    def steps(self, layout, count):
        if layout not in self.trainers:
            self.trainers[layout] = Trainer(layout, *self.settings)
        return {"milliseconds": timed_steps(self.trainers[layout], count)}

    def growth(self):
        return {"bytes": status_bytes("VmHWM") - self.before}


def main():
    torch.set_flush_denormal(True)
    # As our engine does on a GPU: products in TF32, the fastest algorithm of those that there are.
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    peer = Peer()
    for line in sys.stdin:
        message = json.loads(line)
        answer = getattr(peer, message.pop("request"))(**message)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
