"""TorchScript models of the size of ResNet-50 and of BERT for the bench `gpu`: python torch_models.py FOLDER."""

import pathlib
import sys

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(self, channels: int, inner: int, stride: int):
        super().__init__()
        outer = 4 * inner
        self.body = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(),
            nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(),
            nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer),
        )
        changes = stride != 1 or channels != outer
        self.way = nn.Sequential(nn.Conv2d(channels, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)) if changes \
            else nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.way(x))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for blocks, inner, stride in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
            for block in range(blocks):
                layers.append(Bottleneck(channels, inner, stride if block == 0 else 1))
                channels = 4 * inner
        self.features = nn.Sequential(*layers)
        self.classes = nn.Linear(channels, 1000)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.classes(self.features(pixels).mean((2, 3)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(30522, 768)
        self.queries = nn.ModuleList(nn.Linear(768, 3 * 768) for _ in range(12))
        self.joins = nn.ModuleList(nn.Linear(768, 768) for _ in range(12))
        self.first = nn.ModuleList(nn.LayerNorm(768) for _ in range(12))
        self.second = nn.ModuleList(nn.LayerNorm(768) for _ in range(12))
        self.feeds = nn.ModuleList(nn.Sequential(nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768)) for _ in range(12))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.table(tokens)
        for query, join, first, second, feed in zip(self.queries, self.joins, self.first, self.second, self.feeds):
            q, k, v = query(x).reshape(x.shape[0], x.shape[1], 3, 12, 64).permute(2, 0, 3, 1, 4).unbind(0)
            attended = nn.functional.scaled_dot_product_attention(q, k, v)
            x = first(x + join(attended.transpose(1, 2).flatten(2)))
            x = second(x + feed(x))
        return x[:, 0]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    with torch.no_grad():
        residual = Residual().eval()
        torch.jit.trace(residual, torch.zeros(2, 3, 224, 224)).save(str(folder / "residual.pt"))
        encoder = Encoder().eval()
        torch.jit.trace(encoder, torch.zeros(2, 128, dtype=torch.int64)).save(str(folder / "encoder.pt"))


main()
