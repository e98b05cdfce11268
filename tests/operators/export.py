"""Writes the operator cases of the `onnx` package as files, in the layout that the package documents.

Each case is a folder: `model.onnx`, `case.json` (name and tolerances), and `test_data_set_N` with one
message for each input and output. Tensors are written with raw data, whatever field the case uses.
"""

import json
import shutil
import sys
from pathlib import Path

from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def message(value, declared):
    """The message for one value of an input or output that is declared like this."""
    if declared.type.HasField("sequence_type"):
        return numpy_helper.from_list(value, declared.name)
    if declared.type.HasField("optional_type"):
        return numpy_helper.from_optional(value, declared.name)
    if declared.type.HasField("map_type"):
        return numpy_helper.from_dict(value, declared.name)
    if isinstance(value, TensorProto):
        if value.data_type == TensorProto.STRING or value.HasField("raw_data"):
            return value
        value = numpy_helper.to_array(value)
    return numpy_helper.from_array(value, declared.name)


def write(folder, case):
    folder.mkdir()
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    facts = {"name": case.name, "rtol": case.rtol, "atol": case.atol}
    (folder / "case.json").write_text(json.dumps(facts) + "\n")
    graph = case.model.graph
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir()
        for role, values, declared in (
            ("input", inputs, graph.input),
            ("output", outputs, graph.output),
        ):
            for position, (value, info) in enumerate(zip(values, declared, strict=True)):
                path = data / f"{role}_{position}.pb"
                path.write_bytes(message(value, info).SerializeToString())


def main():
    target = Path(sys.argv[1])
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    cases = collect_testcases(None)
    for case in cases:
        write(partial / case.name, case)
    # Last of all, so that a folder of this name is always whole.
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    print(f"{len(cases)} cases in {target}", file=sys.stderr)


main()
