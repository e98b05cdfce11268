"""TorchScript models from a file to a client: each is optimized, served, and asked; PyTorch's own answers are beside it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy
import tritonclient.grpc
import tritonclient.http

# What is said of the inputs of each model; the last is told by its samples.
MODELS = {
    "mlp": ["--input", "x:f32:batch,8"],
    "cnn": ["--input", "image:f32:batch,3,height,width", "--dim", "height=16..24", "--dim", "width=16"],
    "nested": ["--input", "x:float32:batch,3"],
    "pair": [],
}


def run(nav, environment, *arguments, code=0):
    done = subprocess.run([nav, *map(str, arguments)], env=environment, capture_output=True, text=True)
    assert done.returncode == code, f"nav {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def optimize(nav, environment, data, folder, name):
    """A package of a copy of the model, so that the package is not beside the data of the tests."""
    model = folder / f"{name}.pt"
    shutil.copy(data / model.name, model)
    inputs = MODELS[name] or ["--data", data / f"{name}-inputs.npz"]
    arguments = ["optimize", model, *inputs, "--max-batch", 4, "--time-budget", "60s"]
    # A model that nobody vouches for holds code, and is not loaded.
    refusal = run(nav, environment, *arguments, code=4)
    assert "--built-here" in refusal, refusal
    run(nav, environment, *arguments, "--built-here")
    return folder / f"{name}.nav"


def serve(nav, environment, packages):
    """A server of all packages."""
    arguments = [nav, "serve", *map(str, packages), "--http-port", "0", "--grpc-port", "0", "--no-metrics"]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


def addresses_of(server):
    """Where a server says that it is, once it is ready."""
    said = []
    for line in server.stderr:
        said.append(line)
        found = re.search(r" ready http=http://(\S+) grpc=(\S+)", line)
        if found:
            return {"http": found[1], "grpc": found[2]}
    raise AssertionError(f"the server did not become ready:\n{''.join(said)}")


def ask(module, address, name, inputs):
    """The outputs that a server gives, by name."""
    client = module.InferenceServerClient(address)
    given = []
    for key, array in inputs.items():
        datatype = {"float32": "FP32", "int64": "INT64", "bool": "BOOL"}[str(array.dtype)]
        given.append(module.InferInput(key, list(array.shape), datatype))
        given[-1].set_data_from_numpy(array)
    metadata = client.get_model_metadata(name)
    outputs = metadata["outputs"] if isinstance(metadata, dict) else metadata.outputs
    names = [output["name"] if isinstance(output, dict) else output.name for output in outputs]
    result = client.infer(name, given)
    return {output: result.as_numpy(output) for output in names}


def check(found, expected, what):
    assert list(found) == list(expected), f"{what}: {list(found)} instead of {list(expected)}"
    for name, right in expected.items():
        assert found[name].dtype == right.dtype, f"{what}: {name} is {found[name].dtype}"
        numpy.testing.assert_allclose(found[name], right, rtol=1e-4, atol=1e-5, err_msg=f"{what}: {name}")


def main():
    nav, data, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    # What this run vouches for is forgotten with its folder; libraries are where they were installed.
    places = [
        os.environ.get("NAV_CACHE_FOLDER"),
        os.environ.get("XDG_CACHE_HOME") and os.path.join(os.environ["XDG_CACHE_HOME"], "nav"),
    ]
    installed = pathlib.Path(next(filter(None, places), pathlib.Path.home() / ".cache" / "nav"))
    (folder / "cache").mkdir()
    (folder / "cache" / "runtimes").symlink_to(installed / "runtimes")
    environment = {**os.environ, "NAV_CACHE_FOLDER": str(folder / "cache")}
    packages = [optimize(nav, environment, data, folder, name) for name in MODELS]
    server = serve(nav, environment, packages)
    try:
        addresses = addresses_of(server)
        for name in MODELS:
            inputs = dict(numpy.load(data / f"{name}-inputs.npz"))
            expected = dict(numpy.load(data / f"{name}-outputs.npz"))
            for protocol, module in (("http", tritonclient.http), ("grpc", tritonclient.grpc)):
                check(ask(module, addresses[protocol], name, inputs), expected, f"{name} over {protocol}")
                print(f"{name} over {protocol}: as PyTorch has it")
    finally:
        server.terminate()
        server.communicate(timeout=60)


main()
