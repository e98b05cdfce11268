# Traces a model that only Python can load to TorchScript: an exported program (.pt2), or a script with a function `load` or a
# variable `model`. A line on standard input says what is wanted; when that input ends, so does this.
import json
import os
import sys
import threading
import warnings


def watch():
    sys.stdin.read()
    os._exit(1)


def main():
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=watch, daemon=True).start()
    warnings.filterwarnings("ignore")
    import runpy

    import numpy
    import torch

    if job["model"].endswith(".pt2"):
        model = torch.export.load(job["model"]).module()
    else:
        # Its name becomes part of the code of the model.
        names = runpy.run_path(job["model"], run_name="loader")
        model = names["load"]() if "load" in names else names.get("model")
        if not isinstance(model, torch.nn.Module):
            sys.exit("the script has neither a function `load` that gives an nn.Module nor a variable `model` that is one")
        model = model.eval()

    # The arguments of what is traced are called as the inputs are.
    arguments = ", ".join(job["inputs"])
    if not all(name.isidentifier() for name in job["inputs"]):
        sys.exit("inputs must have the names of arguments")
    space = {"torch": torch}
    code = (
        "class Traced(torch.nn.Module):\n"
        "    def __init__(self, model):\n"
        "        super().__init__()\n"
        "        self.model = model\n"
        f"    def forward(self, {arguments}):\n"
        f"        return self.model({arguments})\n"
    )
    exec(code, space)
    arrays = numpy.load(job["example"])
    example = tuple(torch.from_numpy(arrays[name]) for name in job["inputs"])
    with torch.no_grad():
        traced = torch.jit.trace(space["Traced"](model), example, check_trace=False, strict=False)
    traced.save(job["to"])


main()
