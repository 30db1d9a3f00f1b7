"""What the benchmarks' PyTorch peer holds and computes, as JSON: bench-peer.py DESCRIPTION

The description is of bench/peer.ts. {"alive"}: after each node, how many of its values are still held; no gradient is
asked for, so what is alive is what the peer holds. {"output", "gradients"} of float64, once with and once without
values that are dropped.
"""

import json
import sys
import weakref
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
import pytorch_peer as peer


def alive_after_nodes(model, image):
    made, counts = [], []
    original = peer.apply

    def watched(node, values):
        counts.append(sum(reference() is not None for reference in made))
        result = original(node, values)
        made.append(weakref.ref(result))
        return result

    peer.apply = watched
    try:
        with torch.no_grad():
            model(image)
    finally:
        peer.apply = original
    return counts[1:]


def answer(network, drop):
    torch.manual_seed(0)
    model = peer.Described(network).double().train()
    if not drop:
        model.spent = [[] for _ in network["nodes"]]
    image = torch.randn([2, *network["inputs"][0]["shape"][1:]], dtype=torch.float64)
    output = model(image)
    output.square().sum().backward()
    gradients = {name: parameter.grad.flatten().tolist() for name, parameter in model.named_parameters()}
    return {"output": output.flatten().tolist(), "gradients": gradients}


network = json.load(sys.stdin)
image = torch.randn(network["inputs"][0]["shape"])
print(
    json.dumps(
        {
            "alive": alive_after_nodes(peer.Described(network), image),
            "dropping": answer(network, True),
            "holding": answer(network, False),
        }
    )
)
