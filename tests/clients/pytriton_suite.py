"""What the clients of PyTriton do, against a server of the recorded models: `pytriton_suite.py HTTP_HOST:PORT GRPC_HOST:PORT`.

Each function is a case and fails by an assertion.
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
    PyTritonClientModelUnavailableError,
)
from suite import run


NUMBERS = numpy.array([[1, 2, 3, 4]], numpy.int32)


def a_client_infers(http, grpc):
    for url in (http, grpc):
        with ModelClient(url, "addsub") as client:
            assert client.is_batching_supported
            told = client.infer_batch(NUMBERS, NUMBERS)
            assert told["OUTPUT0"].tolist() == [[2, 4, 6, 8]]
            told = client.infer_sample(INPUT0=NUMBERS[0], INPUT1=NUMBERS[0])
            assert told["OUTPUT1"].tolist() == [0, 0, 0, 0]
        with ModelClient(url, "textecho") as client:
            text = numpy.array([b"hello"])
            told = client.infer_sample(text, parameters={"suffix": "there"})
            assert told["text_output"].tolist() == [b"hello there"]


def errors_are_told(http, grpc):
    for url in (http, grpc):
        with ModelClient(url, "fails") as client:
            try:
                client.infer_batch(numpy.ones((1, 1), numpy.float32))
            except PyTritonClientInferenceServerError as error:
                assert "model says no" in str(error), error
            else:
                raise AssertionError("it does not fail")
        try:
            with ModelClient(url, "nope", init_timeout_s=2) as client:
                client.model_config
        except (PyTritonClientModelUnavailableError, TimeoutError, Exception) as error:
            assert "Timeout" in type(error).__name__ or "Unavailable" in type(error).__name__, error
        else:
            raise AssertionError("it does not fail")


def coroutines_infer(http, grpc):
    async def cases():
        for url in (http, grpc):
            async with AsyncioModelClient(url, "addsub") as client:
                asked = [client.infer_batch(NUMBERS, NUMBERS) for _ in range(20)]
                for told in await asyncio.gather(*asked):
                    assert told["OUTPUT0"].tolist() == [[2, 4, 6, 8]]

    asyncio.run(cases())


def futures_infer(http, _):
    # Over gRPC its second worker forgets the protocol and speaks HTTP to the port of gRPC.
    with FuturesModelClient(http, "addsub", max_workers=4) as client:
        asked = [client.infer_batch(NUMBERS, NUMBERS) for _ in range(20)]
        for answer in asked:
            assert answer.result()["OUTPUT0"].tolist() == [[2, 4, 6, 8]]


def decoupled_models_answer_as_often_as_they_like(http, grpc):
    with DecoupledModelClient(grpc, "repeat") as client:
        told = [int(it["OUTPUT0"][0]) for it in client.infer_sample(numpy.array([4], numpy.int32))]
        assert told == [0, 1, 2, 3], told


CASES = [
    a_client_infers,
    errors_are_told,
    coroutines_infer,
    futures_infer,
    decoupled_models_answer_as_often_as_they_like,
]


if __name__ == "__main__":
    sys.exit(run(CASES, f"http://{sys.argv[1]}", f"grpc://{sys.argv[2]}"))
