"""Makes the TorchScript models of the tests, and samples with the outputs that PyTorch gives for them.

    python make.py FOLDER        # PyTorch 2.11.0; the committed files are its output
"""

import pathlib
import sys

import numpy
import torch
from torch import Tensor, nn


class Mlp(nn.Module):
    """Two layers, with a normalization between them that freezing folds away."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Cnn(nn.Module):
    """Convolutions over images of any size, then classes."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()
        )
        self.classes = nn.Linear(8, 5)

    def forward(self, image: Tensor) -> Tensor:
        return self.classes(self.features(image).mean((2, 3)))


class Pair(nn.Module):
    """Two inputs, one of tokens and one that masks them; a dictionary of outputs of several types."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: Tensor, mask: Tensor) -> dict[str, Tensor]:
        embedded = self.embedding(tokens) * mask.unsqueeze(-1).to(torch.float32)
        scores = self.head(embedded.sum(1))
        return {"scores": scores, "best": scores.argmax(1), "any": mask.any(1)}


class Nested(nn.Module):
    """A tuple that holds a list and a tensor."""

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        return [x + 1, x * 2], x.sum(1)


def models():
    torch.manual_seed(7)
    mlp, cnn, pair = Mlp(), Cnn(), Pair()
    for module in (mlp, cnn, pair):
        for child in module.modules():
            if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
                child.running_mean.normal_()
                child.running_var.uniform_(0.5, 2)
        module.eval()
    tokens = torch.randint(0, 12, (2, 7))
    mask = torch.rand(2, 7) > 0.3
    yield "mlp", torch.jit.script(mlp), {"x": torch.randn(3, 8)}
    # Traced, as most models in the wild are.
    yield "cnn", torch.jit.trace(cnn, torch.randn(1, 3, 16, 16)), {"image": torch.randn(2, 3, 16, 16)}
    yield "pair", torch.jit.script(pair), {"tokens": tokens, "mask": mask}
    yield "nested", torch.jit.script(Nested()), {"x": torch.randn(2, 3)}


def named(outputs, name=""):
    """The names that nav gives to outputs."""
    if isinstance(outputs, Tensor):
        yield name or "output", outputs
    elif isinstance(outputs, dict):
        for key, value in outputs.items():
            yield from named(value, f"{name}_{key}" if name else key)
    else:
        for number, value in enumerate(outputs):
            yield from named(value, f"{name or 'output'}_{number}")


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, module, inputs in models():
        with torch.no_grad():
            outputs = module(**inputs)
        module.save(str(folder / f"{name}.pt"))
        numpy.savez(folder / f"{name}-inputs.npz", **{key: value.numpy() for key, value in inputs.items()})
        numpy.savez(folder / f"{name}-outputs.npz", **{key: value.numpy() for key, value in named(outputs)})


main()
