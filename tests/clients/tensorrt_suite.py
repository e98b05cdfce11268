"""TensorRT from a file to a client, on a driver and a TensorRT that compute on the processor: an engine is built, compared, packaged, shown,
run and served, and what is of another device or version is passed over or refused. What was taken of the device is given back."""

import json
import os
import pathlib
import struct
import subprocess
import sys

import numpy
import tritonclient.grpc
import tritonclient.http

# What the driver counts, in its order (runners/tensorrt/double/driver/src/counters.rs).
COUNTERS = ["contexts", "device_buffers", "device_bytes", "host_buffers", "streams", "graphs", "launches", "faults", "misuses", "objects",
            "runs", "timing_hits"]
EVER = ["launches", "runs", "timing_hits"]
VARIANT = "engine@TensorRT"


def field(number, value):
    """A field of a protobuf message: a number, or what has a length."""
    def varint(value):
        low = value & 0x7F
        return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + varint(value >> 7)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def model(weight):
    """An ONNX file: `y` is what of `x` times the weight is positive."""
    rows, columns = weight.shape

    def value(name, extent):
        dims = field(1, field(2, "batch")) + field(1, field(1, extent))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    def node(operator, inputs, output):
        return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operator))

    tensor = field(1, rows) + field(1, columns) + field(2, 1) + field(8, "weight") + field(9, weight.tobytes())
    graph = node("MatMul", ["x", "weight"], "product") + node("Relu", ["product"], "y") + field(2, "graph") + field(5, tensor)
    graph += field(11, value("x", rows)) + field(12, value("y", columns))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


class Host:
    """A host whose GPU is none, in a folder."""

    def __init__(self, nav, folder):
        self.nav, self.folder = nav, folder
        self.environment = dict(os.environ)
        self.pretend()
        self.counters = pathlib.Path(self.environment["NAV_CUDA_DRIVER"]).with_name("counters")
        self.counters.write_bytes(bytes(8 * len(COUNTERS)))

    def pretend(self, **entries):
        """Has it be something else from now on."""
        entries = {"name": "NVIDIA Double", **entries}
        script = pathlib.Path(__file__).parents[2] / "scripts" / "tensorrt-double"
        texts = [f"{key}={value}" for key, value in entries.items()]
        said = subprocess.run([script, self.folder, *texts], check=True, capture_output=True, text=True).stdout
        for setting in said.removeprefix("export ").split():
            name, value = setting.split("=", 1)
            self.environment[name] = value

    def run(self, *arguments, code=0, **variables):
        environment = {**self.environment, **variables}
        done = subprocess.run([self.nav, *map(str, arguments)], env=environment, capture_output=True, text=True)
        assert done.returncode == code, f"nav {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stderr if code else done.stdout

    def counts(self):
        numbers = struct.unpack(f"<{len(COUNTERS)}q", self.counters.read_bytes())
        return dict(zip(COUNTERS, numbers))

    def assert_clean(self):
        left = {name: count for name, count in self.counts().items() if count and name not in EVER}
        assert not left, left


def check_doctor(host):
    facts = json.loads(host.run("doctor", "--json"))
    row = next(row for row in facts["runners"] if row["name"] == "TensorRT")
    assert (row["status"], row["version"], row["devices"]) == ("ready", "11.4.0.106", [{"cuda": 0}]), row
    text = host.run("doctor")
    assert "cuda:0 NVIDIA Double, 8.00 GiB, capability 9.0" in text, text
    for named, why in (("libcuda.so.1", "is not an absolute path"), ("/nowhere/libcuda.so.1", "is no file")):
        text = host.run("doctor", NAV_CUDA_DRIVER=named)
        assert f"NAV_CUDA_DRIVER names {named}, which {why}" in text, text
    print("doctor: lists the device, and says what is wrong with a driver that is named")


def check_package(host, package):
    """The package says what the engine was built for, and that it was right."""
    shown = host.run("show", package)
    rows = [line.split() for line in shown.splitlines() if "TensorRT" in line]
    assert [row[0] for row in rows if "ok" in row][:1] == ["engine"], shown
    # What was measured was kept for later builds.
    kept = [path.name for path in (host.folder / "tensorrt-timing").iterdir()]
    assert "NVIDIA_Double-9.0-tensorrt-11.4.0.106-cuda-13.0" in kept, kept
    assert host.counts()["timing_hits"] == 1, host.counts()
    print("optimize: the engines are right, are measured, and used what one of them had measured when it was built")


def check_infer(host, package):
    def outputs(variant):
        return json.loads(host.run("infer", package, "--variant", variant, "--seed", 7, "--dim", "batch=3", "--json"))["outputs"]
    assert outputs(VARIANT) == outputs("onnx@OnnxCPU")
    print("infer: the engine gives what the untouched model gives")


def check_elsewhere(host, package):
    """On another device or version the engine is passed over, and refused where nothing else will do."""
    built = "it was built for NVIDIA Double (compute capability 9.0), and "
    other = "cuda:0 is NVIDIA Other (compute capability 8.9)"
    version = "by version 11.4.0.106 of the runtime, which here is 11.5.0.1"
    for entries, why in (({"name": "NVIDIA Other", "compute_capability": "8.9"}, other), ({"tensorrt_version": "11.5.0.1"}, version)):
        host.pretend(**entries)
        refusal = host.run("infer", package, "--variant", VARIANT, code=5)
        assert built + why in refusal, refusal
        json.loads(host.run("infer", package, "--json"))
    host.pretend()
    print("elsewhere: the engine is passed over, and refused by name where it alone was asked for")


def check_serve(host, package, weight):
    arguments = [host.nav, "serve", package, "--variant", VARIANT, "--model-name", "m", "--instances", "2", "--http-port", "0",
                 "--grpc-port", "0", "--no-metrics", "--ready-file", host.folder / "ready"]
    server = subprocess.Popen(list(map(str, arguments)), env=host.environment, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if " ready " in line:
                break
        words = dict(word.split("=", 1) for word in said[-1].split() if "=" in word)
        assert "runner=TensorRT device=cuda:0" in "".join(said), said
        random = numpy.random.default_rng(5)
        for name, module, address in (("http", tritonclient.http, words["http"].removeprefix("http://")), ("grpc", tritonclient.grpc, words["grpc"])):
            client = module.InferenceServerClient(address)
            for rows in (1, 4, 2, 3, 4):
                x = random.normal(size=(rows, weight.shape[0])).astype(numpy.float32)
                asked = module.InferInput("x", x.shape, "FP32")
                asked.set_data_from_numpy(x)
                y = client.infer("m", [asked]).as_numpy("y")
                numpy.testing.assert_allclose(y, numpy.maximum(x @ weight, 0), rtol=1e-5, atol=1e-6)
            print(f"serve: right over {name}")
    finally:
        server.terminate()
        server.communicate(timeout=60)


def main():
    nav, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    host = Host(nav, folder / "host")
    check_doctor(host)
    weight = numpy.random.default_rng(3).normal(size=(16, 5)).astype(numpy.float32)
    graph, package = folder / "m.onnx", folder / "m.nav"
    graph.write_bytes(model(weight))
    host.run("optimize", graph, "--runner", "OnnxCPU", "--runner", "TensorRT", "--max-batch", 4, "--time-budget", "20s", "-o", package)
    host.assert_clean()
    check_package(host, package)
    check_infer(host, package)
    check_elsewhere(host, package)
    check_serve(host, package, weight)
    host.assert_clean()
    print(f"given back: all of it, after {host.counts()['runs']} runs")


main()
