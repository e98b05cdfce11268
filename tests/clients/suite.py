"""What the suites of clients share: values of every type, and how cases are run."""

import numpy

TYPES = {
    "BOOL": numpy.array([True, False, True]),
    "UINT8": numpy.array([0, 1, 255], numpy.uint8),
    "UINT16": numpy.array([0, 1, 65535], numpy.uint16),
    "UINT32": numpy.array([0, 1, 2**32 - 1], numpy.uint32),
    "UINT64": numpy.array([0, 1, 2**64 - 1], numpy.uint64),
    "INT8": numpy.array([-128, 0, 127], numpy.int8),
    "INT16": numpy.array([-(2**15), 0, 2**15 - 1], numpy.int16),
    "INT32": numpy.array([-(2**31), 0, 2**31 - 1], numpy.int32),
    "INT64": numpy.array([-(2**63), 0, 2**63 - 1], numpy.int64),
    "FP32": numpy.array([-1.5, 0.1, 3e38], numpy.float32),
    "FP64": numpy.array([-1.5, 0.1, 1e-300], numpy.float64),
    "BYTES": numpy.array([b"", b"a\x00b", "ä".encode()], numpy.object_),
}


def run(cases, *addresses):
    """Runs the cases, each with the addresses; how many failed decides the exit code."""
    failed = 0
    for case in cases:
        try:
            case(*addresses)
        except Exception as error:
            failed += 1
            print(f"FAILED {case.__name__}: {type(error).__name__}: {error}")
        else:
            print(f"ok {case.__name__}")
    print(f"{len(cases) - failed} of {len(cases)} passed")
    return 1 if failed else 0
