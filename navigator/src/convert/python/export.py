# Exports a TorchScript model to ONNX, with the PyTorch of the Python that runs this. A line on standard input says what is wanted;
# when that input ends, so does this.
import json
import os
import sys
import threading
import warnings


def watch():
    sys.stdin.read()
    os._exit(1)


def flat(value):
    """The tensors of any structure, in the order in which nav names them."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, (bool, int, float)):
        return [torch.tensor(value)]
    return [] if value is None else [tensor for part in value for tensor in flat(part)]


def main():
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=watch, daemon=True).start()
    warnings.filterwarnings("ignore")
    import numpy
    import torch

    class Flat(torch.nn.Module):
        """The model with inputs by position and a tuple of tensors as its output."""

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, *inputs):
            return tuple(flat(self.model(**dict(zip(job["inputs"], inputs)))))

    arrays = numpy.load(job["example"])
    example = tuple(torch.from_numpy(arrays[name]) for name in job["inputs"])
    model = torch.jit.load(job["model"], map_location="cpu").eval()
    with torch.no_grad():
        traced = torch.jit.trace(Flat(model).eval(), example, check_trace=False, strict=False)
        traced = torch.jit.freeze(traced.eval())
        # What is put into a dictionary or a list and taken out again needs neither.
        torch._C._jit_pass_inline(traced.graph)
        torch._C._jit_pass_peephole(traced.graph)
        torch._C._jit_pass_dce(traced.graph)
        torch.onnx.export(
            traced,
            example,
            job["to"],
            input_names=job["inputs"],
            output_names=job["outputs"],
            dynamic_axes={name: {int(axis): dim for axis, dim in axes.items()} for name, axes in job["open"].items()},
            opset_version=17,
            dynamo=False,
        )


main()
