"""Has Model Navigator optimize MODEL as the bench `optimize` has `nav`: batches up to MOST, open dimensions as JSON tells.

It takes measurements for stable that are within PERCENT of each other, and gives up where they are not: then this ends with 3.
The last line is what it chose: the batch, and the throughput that it measured.
"""

import json
import sys
import tempfile
from pathlib import Path

import model_navigator as nav
import numpy as np
import onnx
from model_navigator.exceptions import ModelNavigatorRuntimeAnalyzerError

TYPES = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.INT64: np.int64}


def sample(graph, extents):
    inputs = {}
    for value in graph.input:
        kind = value.type.tensor_type
        # Without the batch, which it adds.
        rest = [dim.dim_value or extents[dim.dim_param] for dim in kind.shape.dim][1:]
        inputs[value.name] = np.full([1, *rest], 7 if kind.elem_type == onnx.TensorProto.INT64 else 0.5, TYPES[kind.elem_type])
    return inputs


def main():
    model, most, extents, percent = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), float(sys.argv[4])
    graph = onnx.load(model, load_external_data=False).graph
    extents.setdefault(graph.input[0].type.tensor_type.shape.dim[0].dim_param, 1)
    with tempfile.TemporaryDirectory() as workspace:
        package = nav.onnx.optimize(
            model=model,
            dataloader=[sample(graph, extents)],
            sample_count=1,
            target_device=nav.DeviceKind.CPU,
            runners=("OnnxCPU",),
            optimization_profile=nav.OptimizationProfile(max_batch_size=most, stability_percentage=percent),
            workspace=Path(workspace) / "workspace",
        )
        nav.package.save(package, model.with_suffix(".peer.nav"), override=True)
        try:
            best = package.get_best_runtime(strategies=[nav.MaxThroughputStrategy()])
        except ModelNavigatorRuntimeAnalyzerError:
            sys.exit(3)
        (measured,) = [
            it
            for it in best.runner_status.result["Performance"]["profiling_results"]
            if it.throughput == best.throughput
        ]
        print(json.dumps({"batch": measured.batch_size, "throughput": best.throughput}), flush=True)


if __name__ == "__main__":
    main()
