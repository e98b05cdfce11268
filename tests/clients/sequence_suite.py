"""What tritonclient does with the models with sequences that ship with the tests of the adapter, served by `nav serve`:
`sequence_suite.py HTTP-HOST:PORT GRPC-HOST:PORT`. Each function is a case and fails by an assertion.
"""

import queue
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException
from suite import run


def each(http_address, grpc_address):
    yield http, http.InferenceServerClient(http_address), 1000
    yield grpc, grpc.InferenceServerClient(grpc_address), 2000


def numbers(protocol, *values, shape=None):
    values = numpy.array(values, numpy.float32).reshape(shape or (-1,))
    given = protocol.InferInput("INPUT", list(values.shape), "FP32")
    given.set_data_from_numpy(values)
    return [given]


def row(protocol, value):
    return numbers(protocol, value, shape=(1, 1))


def fails(client, text, *arguments, **keywords):
    try:
        client.infer(*arguments, **keywords)
    except InferenceServerException as error:
        assert text in error.message(), error
    else:
        raise AssertionError(f"{keywords} does not fail")


def sequences_side_by_side_keep_to_themselves(*addresses):
    for protocol, client, base in each(*addresses):
        for step in range(1, 5):
            for name in (1, 2):
                found = client.infer(
                    "accumulate",
                    row(protocol, name),
                    sequence_id=base + name,
                    sequence_start=step == 1,
                    sequence_end=step == 4,
                )
                assert found.as_numpy("OUTPUT").tolist() == [[name * step]], (protocol, found.get_response())
                assert found.as_numpy("TOLD").tolist() == [[step == 1, step == 4, 1]]
                assert found.as_numpy("SEQUENCE").tolist() == [[base + name]]
                assert found.as_numpy("NEW_SUM") is None
        fails(client, "does not run", "accumulate", row(protocol, 1), sequence_id=base + 1)
        fails(client, "NEW_SUM", "accumulate", row(protocol, 1), sequence_id=base + 1, sequence_start=True,
              outputs=[protocol.InferRequestedOutput("NEW_SUM")])


def a_stream_carries_several_sequences(_, address):
    answers = queue.Queue()
    with grpc.InferenceServerClient(address) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for step in range(1, 11):
            for name in range(1, 9):
                client.async_stream_infer(
                    "accumulate",
                    row(grpc, name),
                    request_id=f"{name} {step}",
                    sequence_id=3000 + name,
                    sequence_start=step == 1,
                    sequence_end=step == 10,
                )
        for _ in range(80):
            result, error = answers.get(timeout=30)
            assert error is None, error
            name, step = map(int, result.get_response().id.split())
            assert result.as_numpy("OUTPUT").tolist() == [[name * step]], result.get_response()
        statistics = client.get_inference_statistics("accumulate", as_json=True)
        client.stop_stream()
    sizes = [int(it["batch_size"]) for it in statistics["model_stats"][0]["batch_stats"]]
    assert max(sizes) > 1, sizes


def a_sequence_that_begins_anew_has_nothing_of_the_old_one(*addresses):
    for protocol, client, base in each(*addresses):
        for start, value, expected in ((True, 1, 1), (False, 2, 3), (True, 5, 5), (False, 1, 6)):
            found = client.infer(
                "accumulate", row(protocol, value), sequence_id=base + 9, sequence_start=start
            )
            assert found.as_numpy("OUTPUT").tolist() == [[expected]]


def what_is_kept_begins_with_a_file_and_grows(*addresses):
    for protocol, client, base in each(*addresses):
        kept = [0.5, 0.25]
        for step, given in enumerate(([1.0], [2.0, 3.0], [4.0, 5.0, 6.0])):
            found = client.infer(
                "history",
                numbers(protocol, *given),
                sequence_id=base,
                sequence_start=step == 0,
                sequence_end=step == 2,
            )
            kept += given
            assert found.as_numpy("AFTER").tolist() == kept


def a_request_that_fails_leaves_its_sequence_as_it_was(*addresses):
    for protocol, client, base in each(*addresses):
        ask = dict(sequence_id=f"vector-{base}")
        client.infer("vector", numbers(protocol, 1, 2, 3), sequence_start=True, **ask)
        fails(client, "", "vector", numbers(protocol, 1, 2), **ask)
        found = client.infer("vector", numbers(protocol, 1), sequence_end=True, **ask)
        assert found.as_numpy("OUTPUT").tolist() == [2, 3, 4]


def clients_are_told_of_what_they_send(http_address, grpc_address):
    client = http.InferenceServerClient(http_address)
    metadata = client.get_model_metadata("accumulate")
    assert [it["name"] for it in metadata["inputs"]] == ["INPUT"]
    assert [it["name"] for it in metadata["outputs"]] == ["OUTPUT", "TOLD", "SEQUENCE"]
    config = grpc.InferenceServerClient(grpc_address).get_model_config("accumulate").config
    assert [it.name for it in config.input] == ["INPUT"]
    sequences = config.sequence_batching
    assert [it.name for it in sequences.control_input] == ["START", "END", "READY", "CORRID"]
    assert [it.output_name for it in sequences.state] == ["NEW_SUM"]


if __name__ == "__main__":
    cases = [
        sequences_side_by_side_keep_to_themselves,
        a_stream_carries_several_sequences,
        a_sequence_that_begins_anew_has_nothing_of_the_old_one,
        what_is_kept_begins_with_a_file_and_grows,
        a_request_that_fails_leaves_its_sequence_as_it_was,
        clients_are_told_of_what_they_send,
    ]
    sys.exit(run(cases, *sys.argv[1:]))
