"""What the clients of PyTriton do, against functions that are bound to a server: `bound_pytriton_suite.py HTTP_HOST:PORT
GRPC_HOST:PORT TOKEN`.

Each function is a case and fails by an assertion. The last one ends the server.
"""

import asyncio
import sys

import numpy
from pytriton.client import (
    AsyncioModelClient,
    DecoupledModelClient,
    FuturesModelClient,
    ModelClient,
)
from pytriton.client.exceptions import (
    PyTritonClientInferenceServerError,
    PyTritonClientModelDoesntSupportBatchingError,
)
from suite import run

A, B = numpy.array([[5, 7]], numpy.int32), numpy.array([[2, 9]], numpy.int32)


def fails(call, expected, text):
    try:
        call()
    except expected as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"it does not fail: {text}")


def tensors_by_place_and_by_name(http, grpc, token):
    for url in (http, grpc):
        with ModelClient(url, "add_sub") as client:
            assert client.is_batching_supported
            told = client.infer_batch(A, B)
            assert told["OUTPUT_1"].tolist() == [[7, 16]]
            told = client.infer_sample(INPUT_1=A[0], INPUT_2=B[0])
            assert told["OUTPUT_2"].tolist() == [3, -2]
            config = client.model_config
            assert config.max_batch_size == 4 and not config.decoupled


def texts(http, grpc, token):
    for url in (http, grpc):
        with ModelClient(url, "shout") as client:
            told = client.infer_batch(numpy.array([["grün".encode(), b"b"]]))
            assert told["loud"].tolist() == [["GRÜN".encode(), b"B"]]


def inputs_may_be_left_out(http, grpc, token):
    x = numpy.array([1, 2], numpy.float32)
    for url in (http, grpc):
        with ModelClient(url, "scale") as client:
            assert client.infer_sample(x=x)["y"].tolist() == [2, 4]
            scale = numpy.array([10], numpy.float32)
            assert client.infer_sample(x=x, scale=scale)["y"].tolist() == [10, 20]


def models_without_batches(http, grpc, token):
    x = numpy.array([1, 2], numpy.float32)
    for url in (http, grpc):
        with ModelClient(url, "single") as client:
            assert not client.is_batching_supported
            assert client.infer_sample(x)["y"].tolist() == [-1, -2]
            fails(lambda: client.infer_batch(x), PyTritonClientModelDoesntSupportBatchingError, "")


def parameters(http, grpc, token):
    for url in (http, grpc):
        with ModelClient(url, "told") as client:
            x = numpy.array([1], numpy.float32)
            told = client.infer_sample(x, parameters={"count": 3, "yes": True, "text": "x"})
            assert told["told"].tolist()[1:] == [b"count=3", b"text=x", b"yes=true"], told


def failures(http, grpc, token):
    x = numpy.ones((1, 1), numpy.float32)
    for url in (http, grpc):
        with ModelClient(url, "fails") as client:
            ask = lambda: client.infer_batch(x)
            fails(ask, PyTritonClientInferenceServerError, "model says no")
        with ModelClient(url, "strict") as client:
            text = "output `y` is FP64, and declared as FP32"
            fails(lambda: client.infer_batch(x), PyTritonClientInferenceServerError, text)
        with ModelClient(url, "versions", "2") as client:
            assert client.infer_batch(x)["y"].tolist() == [[3]]


def coroutines(http, grpc, token):
    async def cases():
        for url in (http, grpc):
            async with AsyncioModelClient(url, "add_sub") as client:
                asked = [client.infer_batch(A, B) for _ in range(20)]
                for told in await asyncio.gather(*asked):
                    assert told["OUTPUT_1"].tolist() == [[7, 16]]

    asyncio.run(cases())


def futures(http, grpc, token):
    with FuturesModelClient(http, "add_sub", max_workers=4) as client:
        asked = [client.infer_batch(A, B) for _ in range(20)]
        for answer in asked:
            assert answer.result()["OUTPUT_1"].tolist() == [[7, 16]]


def streams(http, grpc, token):
    with DecoupledModelClient(grpc, "count") as client:
        told = [int(it["y"][0]) for it in client.infer_sample(numpy.array([4], numpy.int32))]
        assert told == [0, 1, 2, 3], told
    with DecoupledModelClient(grpc, "words") as client:
        told = [it["word"][0] for it in client.infer_sample(numpy.array([b"one two"]))]
        assert told == [b"one", b"two"], told


def a_function_that_cannot_go_on_is_answered_before_the_server_ends(http, grpc, token):
    with ModelClient(http, "ends") as client:
        x = numpy.ones((1, 1), numpy.float32)
        ask = lambda: client.infer_batch(x)
        fails(ask, PyTritonClientInferenceServerError, "the device is gone")


CASES = [
    tensors_by_place_and_by_name,
    texts,
    inputs_may_be_left_out,
    models_without_batches,
    parameters,
    failures,
    coroutines,
    futures,
    streams,
    a_function_that_cannot_go_on_is_answered_before_the_server_ends,
]


if __name__ == "__main__":
    sys.exit(run(CASES, f"http://{sys.argv[1]}", f"grpc://{sys.argv[2]}", sys.argv[3]))
