"""Serves the models of the bench `peer` with PyTriton: PORTS are those for HTTP, gRPC and metrics, FOLDER has the ONNX models.

Says `ready` when it answers, and ends when its standard input does.
"""

import logging
import sys

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

IMAGE = (3, 224, 224)


def manner(rows):
    return ModelConfig(max_batch_size=rows, batcher=DynamicBatcher(max_queue_delay_microseconds=0))


def identity():
    # One function for each model: PyTriton looks its outputs up by the function.
    @batch
    def run(x):
        return {"y": x}

    return run


@batch
def add_sub(a, b):
    return {"sum": a + b, "difference": a - b}


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def runs(path, threads, taken, given):
    model = session(path, threads)

    @batch
    def run(**inputs):
        (result,) = model.run([given], {taken: inputs[taken]})
        return {given: result}

    return run


def main():
    folder, http, grpc, metrics = sys.argv[1], *map(int, sys.argv[2:5])
    logging.disable(logging.WARNING)
    config = TritonConfig(http_port=http, grpc_port=grpc, metrics_port=metrics, log_verbose=0)
    number, text = np.float32, np.bytes_

    def tensor(name, shape, dtype=number):
        return Tensor(name=name, shape=shape, dtype=dtype)

    with Triton(config=config) as triton:
        for name, shape, dtype in [("identity", (16,), number), ("image", IMAGE, number), ("strings", (16,), text)]:
            triton.bind(name, identity(), [tensor("x", shape, dtype)], [tensor("y", shape, dtype)], config=manner(64))
        pair, both = [tensor("a", (16,)), tensor("b", (16,))], [tensor("sum", (16,)), tensor("difference", (16,))]
        triton.bind("add_sub", add_sub, pair, both, config=manner(64))
        perceptron = runs(f"{folder}/perceptron.onnx", 1, "x", "y")
        triton.bind("perceptron", perceptron, [tensor("x", (784,))], [tensor("y", (10,))], config=manner(64))
        network = runs(f"{folder}/network.onnx", 2, "pixels", "scores")
        triton.bind("network", network, [tensor("pixels", IMAGE)], [tensor("scores", (1000,))], config=manner(8))
        encoder = runs(f"{folder}/encoder.onnx", 2, "tokens", "states")
        words, states = tensor("tokens", (64,), np.int64), tensor("states", (64, 768))
        triton.bind("encoder", encoder, [words], [states], config=manner(8))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
