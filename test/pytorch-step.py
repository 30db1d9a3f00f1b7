"""Trains the network of branches of branchy-network.ts in float64 with PyTorch's own optimizers.

Reads a JSON file {weights, steps, smoothing, recipes: [{rule, nesterov, hyper}]} and prints a JSON list of
{losses, correct, weights}, one for each recipe: one loss and one count of correct rows for each step, and
the parameters and running statistics at the end.
"""

import json
import sys

import torch
from torch.nn import functional as F


def network(p, x):
    def norm(name, value):
        return F.batch_norm(
            value,
            p[f"{name}.running_mean"],
            p[f"{name}.running_var"],
            p[f"{name}.weight"],
            p[f"{name}.bias"],
            training=True,
        )

    def conv(name, value, **options):
        return F.conv2d(value, p[f"{name}.weight"], p.get(f"{name}.bias"), **options)

    stem = norm("stem_bn", conv("stem", x, padding=1)).relu()
    left = norm("down_bn", conv("down", stem, stride=2, padding=1)).relu()
    right = conv("side", F.max_pool2d(stem, 2)).relu()
    deep = norm("deep_bn", conv("deep", torch.cat([left, right], 1), padding=1))
    joined = (stem + F.interpolate(deep, scale_factor=2, mode="nearest")).relu()
    wide = conv("depthwise", joined, padding=2, groups=16)
    mixed = conv("pointwise", norm("wide_bn", wide)).relu()
    pooled = F.avg_pool2d(mixed, 3, stride=2, padding=1, count_include_pad=True)
    return F.linear(pooled.mean((2, 3)), p["head.weight"], p["head.bias"])


def optimizer(rule, parameters, nesterov, hyper):
    rate, decay = hyper["learningRate"], hyper["weightDecay"]
    if rule == "sgd":
        return torch.optim.SGD(
            parameters, rate, momentum=hyper["momentum"], weight_decay=decay, nesterov=nesterov
        )
    kind = torch.optim.Adam if rule == "adam" else torch.optim.AdamW
    betas = (hyper["momentum"], hyper["beta2"])
    return kind(parameters, rate, betas=betas, eps=hyper["adamEpsilon"], weight_decay=decay)


def train(given, recipe):
    p = {
        name: torch.tensor(w["data"], dtype=torch.float64).reshape(w["shape"])
        for name, w in given["weights"].items()
    }
    trainable = [p[name].requires_grad_() for name, w in given["weights"].items() if w["trainable"]]
    optim = optimizer(recipe["rule"], trainable, recipe["nesterov"], recipe["hyper"])
    losses, correct = [], []
    for step in given["steps"]:
        images = torch.tensor(step["images"], dtype=torch.float64).reshape(-1, 3, 12, 12)
        labels = torch.tensor(step["labels"])
        logits = network(p, images)
        loss = F.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=given["smoothing"])
        optim.zero_grad()
        loss.backward()
        optim.step()
        losses.append(loss.item())
        correct.append((logits.argmax(1) == labels).sum().item())
    weights = {name: value.detach().flatten().tolist() for name, value in p.items()}
    return {"losses": losses, "correct": correct, "weights": weights}


def main(path):
    torch.set_num_threads(1)
    with open(path) as file:
        given = json.load(file)
    json.dump([train(given, recipe) for recipe in given["recipes"]], sys.stdout)


main(sys.argv[1])
