"""Writes torchvision networks as ONNX files, for the import tests.

usage: export-zoo.py [--opset N] [--external] DIRECTORY EXPORTER NAME[:SIZE] ...

EXPORTER is `torchscript`, `dynamo`, or `dynamo-plain`, which leaves out the exporter's optimizations. NAME
is one of torchvision's, or `small_resnext`, `small_vit`, `small_swin`, `small_swin_v2`, `small_maxvit`,
`small_convnext`: members of those families with few and narrow layers. SIZE is the height and width of the
input (64 by default). Weights are random; those that networks begin with at one value, and statistics of
normalisation, are moved off it, so that every one of them counts.
"""

import argparse
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
    for parameter in model.parameters():
        if parameter.min() == parameter.max():
            parameter.data += torch.empty_like(parameter).normal_(0, 0.1, generator=generator)


def small_vit(size):
    return torchvision.models.VisionTransformer(
        image_size=size, patch_size=8, num_layers=2, num_heads=3, hidden_dim=48, mlp_dim=96, num_classes=10
    )


def small_swin(size, **options):
    return torchvision.models.SwinTransformer(
        patch_size=[4, 4],
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=[4, 4],
        num_classes=10,
        **options,
    )


def small_swin_v2(size):
    from torchvision.models import swin_transformer as swin

    return small_swin(size, block=swin.SwinTransformerBlockV2, downsample_layer=swin.PatchMergingV2)


def small_maxvit(size):
    return torchvision.models.MaxVit(
        input_size=(size, size),
        stem_channels=16,
        partition_size=size // 16,
        block_channels=[16, 32],
        block_layers=[1, 1],
        head_dim=8,
        stochastic_depth_prob=0.0,
        num_classes=10,
    )


def small_convnext(size):
    from torchvision.models.convnext import CNBlockConfig

    blocks = [CNBlockConfig(16, 32, 1), CNBlockConfig(32, None, 1)]
    return torchvision.models.ConvNeXt(blocks, num_classes=10)


def small_resnext(size):
    from torchvision.models import resnet

    return resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10, groups=8, width_per_group=4)


SMALL = {
    f.__name__: f for f in (small_resnext, small_vit, small_swin, small_swin_v2, small_maxvit, small_convnext)
}


def build(name, size):
    if name in SMALL:
        return SMALL[name](size).eval()
    options = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options.update(aux_logits=False, init_weights=False)
    if name.startswith("vit"):
        options.update(image_size=size)
    return torchvision.models.get_model(name, **options).eval()


def exporter_options(exporter, opset, external):
    if exporter.startswith("dynamo"):
        options = {"dynamo": True, "external_data": external, "verbose": False, "optimize": exporter == "dynamo"}
        return options | ({"opset_version": opset} if opset else {})
    return {
        "dynamo": False,
        "opset_version": opset or 17,
        "input_names": ["image"],
        "output_names": ["scores"],
        "dynamic_axes": {"image": {0: "batch"}, "scores": {0: "batch"}},
        "training": torch.onnx.TrainingMode.PRESERVE,
        "do_constant_folding": False,
    }


def export(name, size, directory, exporter, opset, external):
    torch.manual_seed(0)
    model = build(name, size)
    randomise(model)
    path = f"{directory}/{name}-{exporter}.onnx"
    torch.onnx.export(model, (torch.randn(1, 3, size, size),), path, **exporter_options(exporter, opset, external))
    print(path, flush=True)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--opset", type=int)
    parser.add_argument("--external", action="store_true")
    parser.add_argument("directory")
    parser.add_argument("exporter")
    parser.add_argument("networks", nargs="+")
    options = parser.parse_args()
    for network in options.networks:
        name, _, size = network.partition(":")
        export(name, int(size or 64), options.directory, options.exporter, options.opset, options.external)


if __name__ == "__main__":
    main()
