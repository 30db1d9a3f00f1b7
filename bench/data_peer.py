"""The customary torchvision pipeline for ImageNet; prints the mean milliseconds of a batch.

    data_peer.py FOLDER BATCH WORKERS COUNT
"""

import sys
import time

import torch
from torchvision import datasets, transforms


def endless(loader):
    while True:
        yield from loader


def main():
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
        images, batch, shuffle=True, num_workers=workers, persistent_workers=True, drop_last=True
    )
    batches = endless(loader)
    for _ in range(2 * workers + 1):  # what the workers make ahead
        next(batches)
    start = time.perf_counter()
    for _ in range(count):
        next(batches)
    print((time.perf_counter() - start) * 1e3 / count)


main()
