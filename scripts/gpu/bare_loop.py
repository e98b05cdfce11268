"""PyTorch's own loop over a TorchScript model on a GPU, for the bench `gpu`: reads lines `BATCH CALLS`, answers seconds."""

import sys
import time

import torch

torch._C._jit_set_texpr_fuser_enabled(False)
# With all of FP32, as the runner.
torch.backends.cudnn.allow_tf32 = False
torch.backends.cuda.matmul.allow_tf32 = False
model = torch.jit.load(sys.argv[1], map_location="cuda:0").eval()
is_text = "encoder" in sys.argv[1]
inputs, outputs = {}, {}


def run(batch):
    device = inputs[batch].to("cuda:0", non_blocking=True)
    output = model(device)
    if batch not in outputs:
        outputs[batch] = torch.empty(output.shape, dtype=output.dtype, pin_memory=True)
    outputs[batch].copy_(output, non_blocking=True)
    torch.cuda.synchronize()


with torch.inference_mode():
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        if batch not in inputs:
            host = torch.zeros(batch, 128, dtype=torch.int64) if is_text else torch.zeros(batch, 3, 224, 224)
            inputs[batch] = host.pin_memory()
        began = time.perf_counter()
        for _ in range(calls):
            run(batch)
        print(time.perf_counter() - began, flush=True)
