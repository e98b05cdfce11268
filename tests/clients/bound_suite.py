"""What tritonclient does over HTTP and gRPC, against functions that are bound to a server: `bound_suite.py HTTP_HOST:PORT
GRPC_HOST:PORT TOKEN`.

`cargo run -p nav-tests --bin bound-server` is such a server. Each function is a case and fails by an assertion.
"""

import queue
import sys

import numpy
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException
from suite import TYPES, run


class Edge:
    """A client of one protocol."""

    def __init__(self, module, address):
        self.module = module
        self.client = module.InferenceServerClient(address)

    def tensor(self, name, values, datatype):
        given = self.module.InferInput(name, list(values.shape), datatype)
        given.set_data_from_numpy(values)
        return given

    def floats(self, *rows):
        return [self.tensor("x", numpy.array(rows, numpy.float32), "FP32")]

    def infer(self, model, inputs, *outputs, **more):
        result = self.client.infer(model, inputs, **more)
        told = [result.as_numpy(name) for name in outputs]
        return told[0] if len(told) == 1 else told

    def fails(self, call, http, grpc, text):
        try:
            call()
        except InferenceServerException as error:
            expected = http if self.module is tritonclient.http else f"StatusCode.{grpc}"
            assert str(error.status()) == str(expected), error
            assert error.message().endswith(text), error
            assert "Traceback" not in error.message() and ".rs" not in error.message(), error
        else:
            raise AssertionError(f"it does not fail: {text}")


def edges(http, grpc):
    return [Edge(tritonclient.http, http), Edge(tritonclient.grpc, grpc)]


def models_are_described(http, grpc, token):
    client = tritonclient.http.InferenceServerClient(http)
    assert client.is_server_ready() and client.is_model_ready("scale")
    told = client.get_model_metadata("add_sub")
    assert [it["name"] for it in told["inputs"]] == ["INPUT_1", "INPUT_2"], told
    assert [it["shape"] for it in told["outputs"]] == [[-1, -1]] * 2, told
    config = client.get_model_config("scale")
    assert config["max_batch_size"] == 4, config
    assert [it["optional"] for it in config["input"]] == [False, True], config
    assert client.get_model_config("words")["model_transaction_policy"]["decoupled"]
    assert client.get_model_config("counted")["response_cache"]["enable"]


def texts_come_and_go(http, grpc, token):
    texts = numpy.array([["one", "two"], ["grün", ""]], numpy.object_)
    for edge in edges(http, grpc):
        told = edge.infer("shout", [edge.tensor("text", texts, "BYTES")], "loud")
        assert [[it.decode() for it in row] for row in told] == [["ONE", "TWO"], ["GRÜN", ""]]


def every_type_comes_back(http, grpc, token):
    types = {**TYPES, "FP16": numpy.array([1.5, -2.0], numpy.float16)}
    for edge in edges(http, grpc):
        for datatype, values in types.items():
            values = values.reshape(1, -1)
            given = [edge.tensor(f"I_{datatype}", values, datatype)]
            told = edge.infer("alltypes", given, f"O_{datatype}")
            assert told.dtype == values.dtype and told.tolist() == values.tolist(), datatype
        rounded = numpy.array([[1.5, -2.0]], numpy.float32)
        told = edge.infer("alltypes", [edge.tensor("I_BF16", rounded, "BF16")], "O_BF16")
        assert numpy.array_equal(told, rounded)


def outputs_come_in_order(http, grpc, token):
    a, b = numpy.array([[5, 7]], numpy.int32), numpy.array([[2, 9]], numpy.int32)
    for edge in edges(http, grpc):
        inputs = [edge.tensor("INPUT_1", a, "INT32"), edge.tensor("INPUT_2", b, "INT32")]
        total, difference = edge.infer("add_sub", inputs, "OUTPUT_1", "OUTPUT_2")
        assert (total.tolist(), difference.tolist()) == ([[7, 16]], [[3, -2]])
        chosen = [edge.module.InferRequestedOutput("OUTPUT_2")]
        left_out, _ = edge.infer("add_sub", inputs, "OUTPUT_1", "OUTPUT_2", outputs=chosen)
        assert left_out is None


def inputs_may_be_left_out(http, grpc, token):
    for edge in edges(http, grpc):
        assert edge.infer("scale", edge.floats([1], [2]), "y").tolist() == [[2], [4]]
        scales = edge.tensor("scale", numpy.array([[10], [100]], numpy.float32), "FP32")
        told = edge.infer("scale", edge.floats([1], [2]) + [scales], "y")
        assert told.tolist() == [[10], [200]]


def models_without_batches_have_no_rows(http, grpc, token):
    for edge in edges(http, grpc):
        given = [edge.tensor("x", numpy.array([1, 2, 3], numpy.float32), "FP32")]
        assert edge.infer("single", given, "y").tolist() == [-1, -2, -3]


def versions_are_models_of_their_own(http, grpc, token):
    for edge in edges(http, grpc):
        for version, expected in (("1", 2), ("2", 3), ("", 3)):
            told = edge.infer("versions", edge.floats([1]), "y", model_version=version)
            assert told.tolist() == [[expected]]


def what_else_a_request_says_reaches_the_function(http, grpc, token):
    for edge in edges(http, grpc):
        given = {"text": "x", "yes": True, "count": 3}
        told = edge.infer("told", edge.floats([1]), "told", request_id="mine", parameters=given)
        assert told.tolist() == [[b"mine", b"count=3", b"text=x", b"yes=true"]], told


def responses_are_kept(http, grpc, token):
    first, second = (edge.infer("counted", edge.floats([7]), "asked") for edge in edges(http, grpc))
    assert first.tolist() == second.tolist()
    edge = edges(http, grpc)[0]
    assert edge.infer("counted", edge.floats([8]), "asked").tolist() != first.tolist()


def failures_are_told_without_a_trace(http, grpc, token):
    for edge in edges(http, grpc):
        ask = lambda model: lambda: edge.infer(model, edge.floats([1]), "y")
        edge.fails(ask("fails"), 500, "INTERNAL", "model says no")
        edge.fails(ask("refuses"), 400, "INVALID_ARGUMENT", "the request is wrong")
        text = "model `panics` panicked: it cannot bear [1,1]"
        edge.fails(lambda: edge.infer("panics", edge.floats([len(http)]), "y"), 500, "INTERNAL", text)
        text = "model `strict`: output `y` is FP64, and declared as FP32"
        edge.fails(ask("strict"), 500, "INTERNAL", text)
        edge.fails(ask("nope"), 404, "NOT_FOUND", "'nope' is not found")
        assert edge.client.is_server_ready()


def decoupled_functions_answer_as_often_as_they_like(http, grpc, token):
    edge = Edge(tritonclient.grpc, grpc)
    answers = queue.Queue()
    edge.client.start_stream(lambda result, error: answers.put((result, error)))
    for count in (0, 1, 100):
        given = [edge.tensor("x", numpy.array([count], numpy.int32), "INT32")]
        edge.client.async_stream_infer("count", given, enable_empty_final_response=True)
        told = []
        while True:
            result, error = answers.get(timeout=20)
            assert error is None, error
            if result.get_response().parameters["triton_final_response"].bool_param:
                break
            told.append(int(result.as_numpy("y")[0]))
        assert told == list(range(count)), told
    words = edge.tensor("text", numpy.array(["a ERR b"], numpy.object_), "BYTES")
    edge.client.async_stream_infer("words", [words])
    told = [answers.get(timeout=20) for _ in range(3)]
    assert [error is None for _, error in told] == [True, False, True], told
    assert "stream error" in told[1][1].message()
    assert told[2][0].as_numpy("word").tolist() == [b"b"]
    edge.client.stop_stream()
    given = [edge.tensor("x", numpy.array([1], numpy.int32), "INT32")]
    edge.fails(lambda: edge.infer("count", given, "y"), 501, "UNIMPLEMENTED", "")


def many_requests_share_batches(http, grpc, token):
    with tritonclient.http.InferenceServerClient(http, concurrency=16) as client:
        edge = Edge(tritonclient.http, http)
        inputs = lambda value: [
            edge.tensor(name, numpy.array([[value, 1]], numpy.int32), "INT32")
            for name in ("INPUT_1", "INPUT_2")
        ]
        asked = [client.async_infer("add_sub", inputs(value)) for value in range(100)]
        for value, answer in enumerate(asked):
            assert answer.get_result().as_numpy("OUTPUT_1").tolist() == [[2 * value, 2]]


def what_is_restricted_needs_the_token(http, grpc, token):
    client = tritonclient.http.InferenceServerClient(http)
    try:
        client.get_inference_statistics("fails")
    except InferenceServerException as error:
        assert "403" in str(error.status()), error
    else:
        raise AssertionError("it needs no token")
    told = client.get_inference_statistics("fails", headers={"triton-access-token": token})
    assert told["model_stats"][0]["inference_stats"]["fail"]["count"] > 0
    client = tritonclient.grpc.InferenceServerClient(grpc)
    key = "triton-grpc-protocol-triton-access-token"
    told = client.get_inference_statistics("panics", headers={key: token})
    assert told.model_stats[0].inference_stats.fail.count > 0


CASES = [
    models_are_described,
    texts_come_and_go,
    every_type_comes_back,
    outputs_come_in_order,
    inputs_may_be_left_out,
    models_without_batches_have_no_rows,
    versions_are_models_of_their_own,
    what_else_a_request_says_reaches_the_function,
    responses_are_kept,
    failures_are_told_without_a_trace,
    decoupled_functions_answer_as_often_as_they_like,
    many_requests_share_batches,
    what_is_restricted_needs_the_token,
]


if __name__ == "__main__":
    sys.exit(run(CASES, *sys.argv[1:4]))
