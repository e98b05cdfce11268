"""What tritonclient does over HTTP, against a server of the recorded models: `http_suite.py HOST:PORT`.

`cargo run -p nav-tests --bin test-server` is such a server. Each function is a case and fails by an assertion.
"""

import asyncio
import json
import sys

import numpy
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException
from suite import TYPES, run


def tensor(name, values, datatype, binary=True):
    given = triton.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values, binary_data=binary)
    return given


def floats(values, binary=True):
    return [tensor("INPUT0", numpy.array(values, numpy.float32), "FP32", binary)]


def fails(call, status, text):
    try:
        call()
    except InferenceServerException as error:
        assert str(error.status()) == str(status), error
        assert text in error.message(), error
    else:
        raise AssertionError(f"it does not fail with {status}: {text}")


def the_server_and_its_models_are_described(address):
    with triton.InferenceServerClient(address) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("addsub") and client.is_model_ready("versions", "3")
        assert not client.is_model_ready("nope")
        assert "statistics" in client.get_server_metadata()["extensions"]
        told = client.get_model_metadata("addsub")
        assert [it["name"] for it in told["inputs"]] == ["INPUT0", "INPUT1"], told
        assert told["inputs"][0]["shape"] == [-1, 4], told
        assert client.get_model_config("addsub")["max_batch_size"] == 4
        fails(lambda: client.get_model_metadata("nope"), 404, "unknown model")


def every_type_comes_back_in_either_form(address):
    with triton.InferenceServerClient(address) as client:
        for given_as in (True, False):
            for told_as in (True, False):
                for datatype, values in TYPES.items():
                    name = "STRING" if datatype == "BYTES" else datatype
                    inputs = [tensor(f"I_{name}", values, datatype, given_as)]
                    wanted = [triton.InferRequestedOutput(f"O_{name}", binary_data=told_as)]
                    told = client.infer("alltypes", inputs, outputs=wanted).as_numpy(f"O_{name}")
                    told = [it.encode() if isinstance(it, str) else it for it in told.tolist()]
                    assert told == values.tolist(), (datatype, given_as, told_as, told)
        half = numpy.array([[1.5, -2.0]], numpy.float16)
        result = client.infer("ident_fp16", [tensor("INPUT0", half, "FP16")])
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), half)
        rounded = numpy.array([1.5, -2.0], numpy.float32)
        result = client.infer("ident_bf16", [tensor("INPUT0", rounded, "BF16")])
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), rounded)


def outputs_are_chosen_ranked_and_named(address):
    with triton.InferenceServerClient(address) as client:
        numbers = numpy.array([[1, 2, 3, 4]], numpy.int32)
        inputs = [tensor(name, numbers, "INT32") for name in ("INPUT0", "INPUT1")]
        chosen = [triton.InferRequestedOutput("OUTPUT1")]
        result = client.infer("addsub", inputs, outputs=chosen, request_id="mine")
        assert result.as_numpy("OUTPUT0") is None
        assert result.as_numpy("OUTPUT1").tolist() == [[0, 0, 0, 0]]
        assert result.get_response()["id"] == "mine"
        ranked = [triton.InferRequestedOutput("OUTPUT0", class_count=2)]
        result = client.infer("labels", floats([[1, 5, 10, 4]]), outputs=ranked)
        assert result.as_numpy("OUTPUT0").tolist() == [[b"10.000000:2:plum", b"5.000000:1:pear"]]
        for version, expected in (("1", 2.0), ("3", 4.0), ("", 4.0)):
            result = client.infer("versions", floats([[1, 1]]), model_version=version)
            assert result.as_numpy("OUTPUT0")[0][0] == expected
        result = client.infer("ensemble", [tensor("X", numpy.ones((1, 2), numpy.float32), "FP32")])
        assert result.as_numpy("Y").tolist() == [[1, 1]]


def parameters_reach_the_model(address):
    with triton.InferenceServerClient(address) as client:
        given = {"text": "x", "yes": True, "count": 3}
        number = [tensor("INPUT0", numpy.array([1], numpy.int32), "INT32")]
        result = client.infer("reqinfo", number, request_id="r", timeout=5, parameters=given)
        told = result.as_numpy("OUTPUT0")[0].decode()
        for part in ('"id": "r"', '"timeout": 5', '"count": 3', '"text": "x"', '"yes": true'):
            assert part in told, told


def headers_travel_on_where_the_operator_says_so(address):
    with triton.InferenceServerClient(address) as client:
        inputs = [tensor("INPUT0", numpy.array([1], numpy.int32), "INT32")]
        sent = {"X-Forwarded-User": "me, \"you\"", "x-forwarded-for": "10.0.0.1", "x-other": "no"}
        given = {"x-forwarded-for": "the client", "count": 3}
        result = client.infer("reqinfo", inputs, headers=sent, parameters=given)
        told = json.loads(result.as_numpy("OUTPUT0")[0])["parameters"]
        # What a header says counts before what the body says of the same name.
        assert told == {"x-forwarded-user": "me, \"you\"", "x-forwarded-for": "10.0.0.1", "count": 3}, told
        fails(lambda: client.infer("reqinfo", inputs, headers={"x-forwarded-a": "x" * 9000}), 400, "no text of at most 8192 bytes")


def faults_have_their_statuses(address):
    with triton.InferenceServerClient(address) as client:
        other = [tensor("WRONG", numpy.ones((1, 1), numpy.float32), "FP32")]
        fails(lambda: client.infer("ident_fp32", other), 400, "unexpected inference input")
        fails(lambda: client.infer("nope", floats([[1]])), 404, "unknown model")
        fails(lambda: client.infer("fails", floats([[1]])), 500, "model says no")


def messages_travel_compressed(address):
    with triton.InferenceServerClient(address) as client:
        values = numpy.arange(100_000, dtype=numpy.float32).reshape(1, -1)
        for asked in (None, "gzip", "deflate"):
            for answered in (None, "gzip", "deflate"):
                result = client.infer(
                    "ident_fp32",
                    floats(values),
                    request_compression_algorithm=asked,
                    response_compression_algorithm=answered,
                )
                assert numpy.array_equal(result.as_numpy("OUTPUT0"), values)


def large_tensors_come_back(address):
    with triton.InferenceServerClient(address, network_timeout=120) as client:
        values = numpy.random.default_rng(1).random((1, 15_000_000), numpy.float32)
        result = client.infer("ident_fp32", floats(values))
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), values)


def requests_run_side_by_side(address):
    with triton.InferenceServerClient(address, concurrency=16) as client:
        asked = [client.async_infer("ident_fp32", floats([[value]])) for value in range(50)]
        for value, answer in enumerate(asked):
            assert answer.get_result().as_numpy("OUTPUT0")[0][0] == value


def sequences_run(address):
    with triton.InferenceServerClient(address) as client:
        for sequence in (2001, "called"):
            sums = []
            for step, value in enumerate([1, 2, 3]):
                given = [tensor("INPUT0", numpy.array([[value]], numpy.int32), "INT32")]
                marks = {"sequence_start": step == 0, "sequence_end": step == 2}
                result = client.infer("seqsum", given, sequence_id=sequence, **marks)
                sums.append(int(result.as_numpy("OUTPUT0")[0][0]))
            assert sums == [1, 3, 6], sums


def coroutines_infer(address):
    async def cases():
        async with triton_aio.InferenceServerClient(address) as client:
            assert await client.is_server_ready()
            asked = [client.infer("ident_fp32", floats([[value]])) for value in range(50)]
            for value, result in enumerate(await asyncio.gather(*asked)):
                assert result.as_numpy("OUTPUT0")[0][0] == value

    asyncio.run(cases())


def models_come_and_go(address):
    with triton.InferenceServerClient(address) as client:
        state = lambda: {it["name"]: it.get("state") for it in client.get_model_repository_index()}
        client.load_model("later")
        assert client.is_model_ready("later")
        assert state()["later"] == "READY"
        client.unload_model("later")
        fails(lambda: client.infer("later", floats([1])), 404, "unknown model")
        fails(lambda: client.load_model("broken"), 400, "cannot initialise")
        # One that should be served and is not keeps the server from being ready.
        client.unload_model("broken")
        fails(lambda: client.load_model("nowhere"), 404, "nowhere")
        assert client.is_server_live()


def what_happened_is_counted(address):
    with triton.InferenceServerClient(address) as client:
        count = lambda: client.get_inference_statistics("labels")["model_stats"][0][
            "inference_stats"
        ]["success"]["count"]
        before = count()
        client.infer("labels", floats([[1, 2, 3, 4]]))
        assert count() == before + 1


def settings_are_told_and_changed(address):
    with triton.InferenceServerClient(address) as client:
        assert client.get_log_settings()["log_info"] is True
        assert client.update_log_settings({"log_verbose_level": 1})["log_verbose_level"] == 1
        client.update_log_settings({"log_verbose_level": 0})
        assert client.get_trace_settings()["trace_level"] == ["OFF"]
        assert client.update_trace_settings(settings={"trace_rate": 5})["trace_rate"] == "5"
        client.update_trace_settings(settings={"trace_rate": None})


CASES = [
    the_server_and_its_models_are_described,
    every_type_comes_back_in_either_form,
    outputs_are_chosen_ranked_and_named,
    parameters_reach_the_model,
    headers_travel_on_where_the_operator_says_so,
    faults_have_their_statuses,
    messages_travel_compressed,
    large_tensors_come_back,
    requests_run_side_by_side,
    sequences_run,
    coroutines_infer,
    models_come_and_go,
    what_happened_is_counted,
    settings_are_told_and_changed,
]


if __name__ == "__main__":
    sys.exit(run(CASES, sys.argv[1]))
