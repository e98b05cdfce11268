"""What tritonclient does with the repository that ships with the tests of the adapter, served by `nav serve`:
`repository_suite.py HTTP-HOST:PORT GRPC-HOST:PORT`. Each function is a case and fails by an assertion.
"""

import queue
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException
from suite import TYPES, run


def each(http_address, grpc_address):
    yield http, http.InferenceServerClient(http_address)
    yield grpc, grpc.InferenceServerClient(grpc_address)


def tensor(protocol, name, values, datatype):
    given = protocol.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values)
    return given


def every_type_comes_back_as_it_went(*addresses):
    for protocol, client in each(*addresses):
        for datatype, values in TYPES.items():
            name = "string" if datatype == "BYTES" else datatype.lower()
            given = tensor(protocol, f"{name}_input", values.reshape(1, -1), datatype)
            found = client.infer("test", [given]).as_numpy(f"{name}_output")
            assert found.dtype == values.dtype and found.tolist() == [values.tolist()], (protocol, found)


def a_decoupled_model_answers_as_often_as_it_wants(_, address):
    answers = queue.Queue()
    with grpc.InferenceServerClient(address) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for count in (3, 2):
            given = tensor(grpc, "IN", numpy.array([count], numpy.int32), "INT32")
            client.async_stream_infer("square", [given], enable_empty_final_response=True)
        numbers = []
        while numbers.count(None) < 2:
            result, error = answers.get(timeout=30)
            assert error is None, error
            is_last = result.get_response().parameters["triton_final_response"].bool_param
            numbers.append(None if is_last else result.as_numpy("OUT")[0])
        client.stop_stream()
    assert sorted(n for n in numbers if n) == [2, 2, 3, 3, 3], numbers


def what_is_wrong_is_told(*addresses):
    for protocol, client in each(*addresses):
        values = numpy.zeros((1, 2), numpy.int32)
        for model, name, text in (
            ("nothing", "int32_input", "unknown model"),
            ("test", "other_input", "other_input"),
            ("test", "int64_input", "INT64"),
        ):
            try:
                client.infer(model, [tensor(protocol, name, values, "INT32")])
            except InferenceServerException as error:
                assert text in error.message(), error
            else:
                raise AssertionError(f"{model} {name} does not fail")


if __name__ == "__main__":
    cases = [
        every_type_comes_back_as_it_went,
        a_decoupled_model_answers_as_often_as_it_wants,
        what_is_wrong_is_told,
    ]
    sys.exit(run(cases, *sys.argv[1:]))
