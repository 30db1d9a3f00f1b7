"""Writes torchvision networks as ONNX files, for the import tests.

usage: export-zoo.py DIRECTORY EXPORTER NAME[:SIZE] ...

EXPORTER is `torchscript` or `dynamo`. SIZE is the height and width of the input (64 by default). Weights
are random and statistics of normalisation are moved off their defaults, so that every one of them counts.
"""

import sys
import warnings

import torch

# torchvision registers shapes for compiled operators that a CPU-only build of torch does not have.
_register_fake = torch.library.register_fake


def _register_known(name, *arguments, **options):
    register = _register_fake(name, *arguments, **options)

    def attempt(function):
        try:
            return register(function)
        except RuntimeError:
            return function

    return attempt


torch.library.register_fake = _register_known

import torchvision  # noqa: E402


def randomise(model):
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)


def build(name):
    options = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options.update(aux_logits=False, init_weights=False)
    return torchvision.models.get_model(name, **options).eval()


def export(name, size, exporter, directory):
    torch.manual_seed(0)
    model = build(name)
    randomise(model)
    image = torch.randn(1, 3, size, size)
    path = f"{directory}/{name}-{exporter}.onnx"
    if exporter == "dynamo":
        torch.onnx.export(model, (image,), path, dynamo=True, external_data=False, verbose=False)
    else:
        torch.onnx.export(
            model,
            (image,),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["scores"],
            dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    print(path, flush=True)


def main():
    warnings.filterwarnings("ignore")
    directory, exporter, *networks = sys.argv[1:]
    for network in networks:
        name, _, size = network.partition(":")
        export(name, int(size or 64), exporter, directory)


if __name__ == "__main__":
    main()
