"""The customary torchvision pipeline for ImageNet; prints the mean milliseconds of a batch. Without
workers it counts the time of the processor instead of the wall's. Without arguments it only says, by its exit
status, whether torchvision is there.

    data_peer.py [FOLDER BATCH WORKERS COUNT]
"""

import sys
import time

import torch


def load_torchvision():
    """Transforms need none of torchvision's compiled operators, which wheels for another PyTorch lack."""
    register = torch.library.register_fake

    def tolerant(name, *args, **kwargs):
        if str(name).startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **kwargs)

    torch.library.register_fake = tolerant
    try:
        from torchvision import datasets, transforms
    finally:
        torch.library.register_fake = register
    return datasets, transforms


def endless(loader):
    while True:
        yield from loader


def main():
    datasets, transforms = load_torchvision()
    if len(sys.argv) == 1:
        return
    folder, batch, workers, count = sys.argv[1], *map(int, sys.argv[2:])
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    torch.set_num_threads(1)
    images = datasets.ImageFolder(folder, pipeline)
    loader = torch.utils.data.DataLoader(
        images, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0, drop_last=True
    )
    batches = endless(loader)
    for _ in range(2 * workers + 1):  # what the workers make ahead
        next(batches)
    clock = time.perf_counter if workers > 0 else time.process_time
    start = clock()
    for _ in range(count):
        next(batches)
    print((clock() - start) * 1e3 / count)


main()
