"""What tritonclient does over gRPC, against a server of the recorded models: `grpc_suite.py HOST:PORT`.

`cargo run -p nav-tests --bin test-server` is such a server. Each function is a case and fails by an assertion.
"""

import asyncio
import json
import queue
import sys

import numpy
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException, serialize_byte_tensor
from suite import TYPES, run


def tensor(name, values, datatype, module=triton):
    given = module.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values)
    return given


def floats(values, module=triton):
    return [tensor("INPUT0", numpy.array(values, numpy.float32), "FP32", module)]


def number(value):
    return [tensor("INPUT0", numpy.array([value], numpy.int32), "INT32")]


def fails(call, code, text):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{code}", error
        assert text in error.message(), error
    else:
        raise AssertionError(f"it does not fail with {code}: {text}")


def the_server_and_its_models_are_described(address):
    with triton.InferenceServerClient(address) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("addsub") and client.is_model_ready("versions", "3")
        assert not client.is_model_ready("nope")
        assert "statistics" in client.get_server_metadata().extensions
        told = client.get_model_metadata("addsub", as_json=True)
        assert [it["name"] for it in told["inputs"]] == ["INPUT0", "INPUT1"], told
        assert told["inputs"][0]["shape"] == ["-1", "4"], told
        assert client.get_model_config("addsub").config.max_batch_size == 4
        index = client.get_model_repository_index().models
        assert ("ensemble", "READY") in [(it.name, it.state) for it in index]
        fails(lambda: client.get_model_metadata("nope"), "NOT_FOUND", "unknown model")


def every_type_comes_back(address):
    with triton.InferenceServerClient(address) as client:
        for datatype, values in TYPES.items():
            name = "STRING" if datatype == "BYTES" else datatype
            result = client.infer("alltypes", [tensor(f"I_{name}", values, datatype)])
            told = result.as_numpy(f"O_{name}")
            assert told.dtype == values.dtype and told.shape == values.shape, datatype
            assert numpy.array_equal(told, values), (datatype, told)
        special = numpy.array([[numpy.inf, -numpy.inf, numpy.nan]], numpy.float32)
        told = client.infer("ident_fp32", floats(special)).as_numpy("OUTPUT0")
        assert numpy.array_equal(told, special, equal_nan=True), told
        half = numpy.array([[1.5, -2.0]], numpy.float16)
        result = client.infer("ident_fp16", [tensor("INPUT0", half, "FP16")])
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), half)
        rounded = numpy.array([1.5, -2.0], numpy.float32)
        result = client.infer("ident_bf16", [tensor("INPUT0", rounded, "BF16")])
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), rounded)
        texts = numpy.array([["one", "two"]], numpy.object_)
        result = client.infer("ident_bytes", [tensor("INPUT0", texts, "BYTES")])
        assert result.as_numpy("OUTPUT0").tolist() == [[b"one", b"two"]]
        assert serialize_byte_tensor(texts).item() == result.get_response().raw_output_contents[0]


def outputs_are_chosen_ranked_and_named(address):
    with triton.InferenceServerClient(address) as client:
        numbers = numpy.array([[1, 2, 3, 4]], numpy.int32)
        inputs = [tensor(name, numbers, "INT32") for name in ("INPUT0", "INPUT1")]
        chosen = [triton.InferRequestedOutput("OUTPUT1")]
        result = client.infer("addsub", inputs, outputs=chosen, request_id="mine")
        assert result.as_numpy("OUTPUT0") is None
        assert result.as_numpy("OUTPUT1").tolist() == [[0, 0, 0, 0]]
        assert result.get_response().id == "mine"
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
        result = client.infer("reqinfo", number(1), request_id="r", timeout=5, parameters=given)
        told = result.as_numpy("OUTPUT0")[0].decode()
        for part in ('"id": "r"', '"timeout": 5', '"count": 3', '"text": "x"', '"yes": true'):
            assert part in told, told


def headers_travel_on_where_the_operator_says_so(address):
    with triton.InferenceServerClient(address) as client:
        sent = {"x-forwarded-user": "me, \"you\"", "x-forwarded-for": "10.0.0.1", "x-other": "no"}
        given = {"x-forwarded-for": "the client", "count": 3}
        result = client.infer("reqinfo", number(1), headers=sent, parameters=given)
        told = json.loads(result.as_numpy("OUTPUT0")[0])["parameters"]
        # What a header says counts before what the body says of the same name.
        assert told == {"x-forwarded-user": "me, \"you\"", "x-forwarded-for": "10.0.0.1", "count": 3}, told
        fails(lambda: client.infer("reqinfo", number(1), headers={"x-forwarded-a": "x" * 9000}), "INVALID_ARGUMENT", "no text of at most 8192 bytes")


def faults_have_their_codes(address):
    with triton.InferenceServerClient(address) as client:
        wrong = "unexpected inference input"
        other = [tensor("WRONG", numpy.ones((1, 1), numpy.float32), "FP32")]
        fails(lambda: client.infer("ident_fp32", other), "INVALID_ARGUMENT", wrong)
        fails(lambda: client.infer("nope", floats([[1]])), "NOT_FOUND", "unknown model")
        fails(lambda: client.infer("fails", floats([[1]])), "INTERNAL", "model says no")
        late = {"timeout": 5_000_000, "client_timeout": 0.05}
        slow = lambda: client.infer("slowq", floats([[1]]), **late)
        fails(slow, "DEADLINE_EXCEEDED", "Deadline Exceeded")
        fails(lambda: client.infer("repeat", number(1)), "UNIMPLEMENTED", "")


def messages_travel_compressed(address):
    with triton.InferenceServerClient(address) as client:
        values = numpy.zeros((1, 100_000), numpy.float32)
        for coding in ("gzip", "deflate"):
            result = client.infer("ident_fp32", floats(values), compression_algorithm=coding)
            assert numpy.array_equal(result.as_numpy("OUTPUT0"), values)


def large_tensors_come_back(address):
    with triton.InferenceServerClient(address) as client:
        values = numpy.random.default_rng(1).random((1, 15_000_000), numpy.float32)
        result = client.infer("ident_fp32", floats(values))
        assert numpy.array_equal(result.as_numpy("OUTPUT0"), values)
        beyond = floats(numpy.zeros((1, 17_000_000), numpy.float32))
        text = "which is the limit"
        fails(lambda: client.infer("ident_fp32", beyond), "RESOURCE_EXHAUSTED", text)


def requests_run_side_by_side_and_can_be_cancelled(address):
    with triton.InferenceServerClient(address) as client:
        answers = queue.Queue()
        note = lambda result, error: answers.put((result, error))
        for value in range(50):
            client.async_infer("ident_fp32", floats([[value]]), note, request_id=str(value))
        for _ in range(50):
            result, error = answers.get(timeout=20)
            assert error is None, error
            assert result.as_numpy("OUTPUT0")[0][0] == float(result.get_response().id)
        context = client.async_infer("slowq", floats([[1]]), note, timeout=5_000_000)
        context.cancel()
        _, error = answers.get(timeout=20)
        assert "CANCELLED" in str(error.status()), error


def sequences_run_on_a_stream(address):
    with triton.InferenceServerClient(address) as client:
        answers = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)))
        for sequence in (1001, "named"):
            for step, value in enumerate([1, 2, 3]):
                given = [tensor("INPUT0", numpy.array([[value]], numpy.int32), "INT32")]
                marks = {"sequence_start": step == 0, "sequence_end": step == 2}
                client.async_stream_infer("seqsum", given, sequence_id=sequence, **marks)
            sums = []
            for _ in range(3):
                result, error = answers.get(timeout=20)
                assert error is None, error
                sums.append(int(result.as_numpy("OUTPUT0")[0][0]))
            assert sums == [1, 3, 6], sums
        client.stop_stream()


def decoupled_models_answer_as_often_as_they_like(address):
    with triton.InferenceServerClient(address) as client:
        answers = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)))
        for count in (0, 1, 100):
            client.async_stream_infer(
                "repeat", number(count), request_id=str(count), enable_empty_final_response=True
            )
            told = []
            while True:
                result, error = answers.get(timeout=20)
                assert error is None, error
                response = result.get_response()
                assert response.id == str(count)
                if response.parameters["triton_final_response"].bool_param:
                    assert not response.outputs
                    break
                told.append(int(result.as_numpy("OUTPUT0")[0]))
            assert told == list(range(count))
        words = tensor("text_input", numpy.array(["a ERR b"], numpy.object_), "BYTES")
        client.async_stream_infer("textstream", [words])
        told = [answers.get(timeout=20) for _ in range(3)]
        assert [error is None for _, error in told] == [True, False, True]
        assert "stream error" in told[1][1].message()
        client.stop_stream()
    with triton.InferenceServerClient(address) as client:
        client.start_stream(
            lambda result, error: answers.put((result, error)), headers={"triton_grpc_error": "true"}
        )
        client.async_stream_infer("textstream", [words])
        told = [answers.get(timeout=20) for _ in range(2)]
        assert told[0][1] is None
        assert told[1][1].status() == "StatusCode.INTERNAL", told[1][1]
        client.stop_stream()


def coroutines_infer_and_stream(address):
    async def cases():
        async with triton_aio.InferenceServerClient(address) as client:
            assert await client.is_server_ready()
            asked = [
                client.infer("ident_fp32", floats([[value]], triton_aio)) for value in range(50)
            ]
            for value, result in enumerate(await asyncio.gather(*asked)):
                assert result.as_numpy("OUTPUT0")[0][0] == value

            async def requests():
                for count in (3, 2):
                    yield {
                        "model_name": "repeat",
                        "inputs": number(count),
                        "request_id": str(count),
                        "enable_empty_final_response": True,
                    }

            told, ended = [], 0
            answers = client.stream_infer(requests())
            async for result, error in answers:
                assert error is None, error
                response = result.get_response()
                if response.parameters["triton_final_response"].bool_param:
                    ended += 1
                    if ended == 2:
                        break
                else:
                    told.append((response.id, int(result.as_numpy("OUTPUT0")[0])))
            expected = [("2", 0), ("2", 1), ("3", 0), ("3", 1), ("3", 2)]
            assert sorted(told) == expected, told
            answers.cancel()

    asyncio.run(cases())


def what_happened_is_counted(address):
    with triton.InferenceServerClient(address) as client:
        count = lambda: (
            client.get_inference_statistics("labels").model_stats[0].inference_stats.success.count
        )
        before = count()
        client.infer("labels", floats([[1, 2, 3, 4]]))
        assert count() == before + 1
        names = {it.name for it in client.get_inference_statistics().model_stats}
        assert {"labels", "ensemble"} <= names


def settings_are_told_and_changed(address):
    with triton.InferenceServerClient(address) as client:
        told = client.get_log_settings(as_json=True)["settings"]
        assert told["log_info"]["bool_param"], told
        told = client.update_log_settings({"log_verbose_level": 1}, as_json=True)["settings"]
        assert told["log_verbose_level"]["uint32_param"] == 1, told
        client.update_log_settings({"log_verbose_level": 0})
        told = client.get_trace_settings(as_json=True)["settings"]
        assert told["trace_level"]["value"] == ["OFF"], told
        fails(
            lambda: client.update_log_settings({"log_file": "/nowhere"}),
            "UNIMPLEMENTED",
            "log file",
        )


CASES = [
    the_server_and_its_models_are_described,
    every_type_comes_back,
    outputs_are_chosen_ranked_and_named,
    parameters_reach_the_model,
    headers_travel_on_where_the_operator_says_so,
    faults_have_their_codes,
    messages_travel_compressed,
    large_tensors_come_back,
    requests_run_side_by_side_and_can_be_cancelled,
    sequences_run_on_a_stream,
    decoupled_models_answer_as_often_as_they_like,
    coroutines_infer_and_stream,
    what_happened_is_counted,
    settings_are_told_and_changed,
]


if __name__ == "__main__":
    sys.exit(run(CASES, sys.argv[1]))
