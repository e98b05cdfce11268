"""Writes the ONNX files of this repository of models with sequences: `make.py` in an environment with onnx 1.16 or later.

The files are kept beside their configurations, so that tests need no Python.
"""

import os
import struct

from onnx import TensorProto, checker, helper, save_model

FLOAT, INT64, INT32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL
HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, inputs, outputs, nodes):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, name, [value(*it) for it in inputs], [value(*it) for it in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="nav")
    model.ir_version = 8
    checker.check_model(model, full_check=True)
    folder = os.path.join(HERE, name, "1")
    os.makedirs(folder, exist_ok=True)
    save_model(model, os.path.join(folder, "model.onnx"))


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, **attributes)


# The sum of each sequence so far, and what the model is told of it.
write(
    "accumulate",
    [
        ("START", INT32, ["n", 1]),
        ("SUM", FLOAT, ["n", 1]),
        ("INPUT", FLOAT, ["n", 1]),
        ("END", BOOL, ["n", 1]),
        ("READY", FLOAT, ["n", 1]),
        ("CORRID", INT64, ["n", 1]),
    ],
    [
        ("NEW_SUM", FLOAT, ["n", 1]),
        ("OUTPUT", FLOAT, ["n", 1]),
        ("TOLD", FLOAT, ["n", 3]),
        ("SEQUENCE", INT64, ["n", 1]),
    ],
    [
        node("Add", ["SUM", "INPUT"], ["OUTPUT"]),
        node("Identity", ["OUTPUT"], ["NEW_SUM"]),
        node("Cast", ["START"], ["start"], to=FLOAT),
        node("Cast", ["END"], ["end"], to=FLOAT),
        node("Concat", ["start", "end", "READY"], ["TOLD"], axis=1),
        node("Identity", ["CORRID"], ["SEQUENCE"]),
    ],
)

# All that a sequence was sent, without batches. It begins with two numbers of a file.
write(
    "history",
    [("INPUT", FLOAT, ["k"]), ("BEFORE", FLOAT, ["m"])],
    [("AFTER", FLOAT, ["l"])],
    [node("Concat", ["BEFORE", "INPUT"], ["AFTER"], axis=0)],
)
os.makedirs(os.path.join(HERE, "history", "initial_state"), exist_ok=True)
with open(os.path.join(HERE, "history", "initial_state", "begin"), "wb") as file:
    file.write(struct.pack("<2f", 0.5, 0.25))

# The sums of three numbers, which fails at two of them and takes one for all three.
write(
    "vector",
    [("INPUT", FLOAT, ["k"]), ("SUMS", FLOAT, [3])],
    [("OUTPUT", FLOAT, [3]), ("NEW_SUMS", FLOAT, [3])],
    [node("Add", ["SUMS", "INPUT"], ["OUTPUT"]), node("Identity", ["OUTPUT"], ["NEW_SUMS"])],
)
