"""Tensors in shared memory, with tritonclient's own utilities.

python shared_memory_suite.py HOST:PORT [GRPC_HOST:PORT]

The server is that of `cargo run -p nav-tests --bin test-server`, or another one with these models that lets
clients share memory and is managed by everybody.
"""

import os
import sys
import threading

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

DTYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
}


class Region:
    """An object and a region of the same name over all of it, while this is entered."""

    numbers = iter(range(1 << 30))

    def __init__(self, client, byte_size):
        self.client = client
        self.byte_size = byte_size
        self.name = f"region_{next(Region.numbers)}"
        self.key = f"/nav_suite_{os.getpid()}_{self.name}"

    def __enter__(self):
        self.handle = shm.create_shared_memory_region(self.name, self.key, self.byte_size)
        self.client.register_system_shared_memory(self.name, self.key, self.byte_size)
        return self

    def __exit__(self, *_):
        self.client.unregister_system_shared_memory(self.name)
        shm.destroy_shared_memory_region(self.handle)


def tensor(api, name, array, dtype, region, byte_size, offset=0):
    wanted = api.InferInput(name, list(array.shape), dtype)
    wanted.set_shared_memory(region.name, byte_size, offset)
    return wanted


def place(api, name, region, byte_size, offset=0):
    wanted = api.InferRequestedOutput(name)
    wanted.set_shared_memory(region.name, byte_size, offset)
    return wanted


def refused(call, words):
    try:
        call()
    except InferenceServerException as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"nobody said: {words}")


def regions_are_registered_and_told_of(api, client):
    client.unregister_system_shared_memory()
    with Region(client, 4096) as region:
        told = status(client)
        assert told == {region.name: (region.key, 0, 4096)}, told
        again = lambda: client.register_system_shared_memory(region.name, region.key, 4096)
        refused(again, f"shared memory region '{region.name}' already in manager")
        large = lambda: client.register_system_shared_memory("large", region.key, 4097)
        refused(large, "failed to register shared memory region 'large': invalid args")
    assert status(client) == {}
    absent = lambda: client.register_system_shared_memory("absent", "/nav_suite_absent", 8)
    refused(absent, "Unable to open shared memory region: '/nav_suite_absent'")
    refused(lambda: client.get_system_shared_memory_status("none"), "Unable to find system shared memory region: 'none'")


def status(client):
    told = client.get_system_shared_memory_status()
    regions = told if isinstance(told, list) else [
        {"name": it.name, "key": it.key, "offset": it.offset, "byte_size": it.byte_size}
        for it in told.regions.values()
    ]
    return {it["name"]: (it["key"], it["offset"], it["byte_size"]) for it in regions}


def every_type_goes_through_shared_memory(api, client):
    for dtype, kind in DTYPES.items():
        array = np.arange(7).astype(kind)
        size = array.nbytes
        with Region(client, 4096) as source, Region(client, 4096) as target:
            shm.set_shared_memory_region(source.handle, [array], offset=64)
            inputs = [tensor(api, f"I_{dtype}", array, dtype, source, size, 64)]
            outputs = [place(api, f"O_{dtype}", target, 2048, 128)]
            result = client.infer("alltypes", inputs, outputs=outputs)
            output = result.get_output(f"O_{dtype}")
            assert output is not None, dtype
            assert api is grpcclient or "data" not in output, output
            found = shm.get_contents_as_numpy(target.handle, kind, [7], offset=128)
            assert np.array_equal(found, array), (dtype, found)


def half_precision_goes_through_shared_memory(api, client):
    array = np.arange(6).astype(np.float16).reshape(2, 3)
    with Region(client, 4096) as region:
        shm.set_shared_memory_region(region.handle, [array])
        inputs = [tensor(api, "INPUT0", array, "FP16", region, array.nbytes)]
        client.infer("ident_fp16", inputs, outputs=[place(api, "OUTPUT0", region, 64, 1024)])
        found = shm.get_contents_as_numpy(region.handle, np.float16, [2, 3], offset=1024)
        assert np.array_equal(found, array), found


def strings_go_through_shared_memory(api, client):
    array = np.array([["a", ""], ["grün", "x" * 100]], dtype=np.object_)
    packed = serialize_byte_tensor(array)
    size = len(packed.item())
    with Region(client, 4096) as region:
        shm.set_shared_memory_region(region.handle, [packed])
        inputs = [tensor(api, "INPUT0", array, "BYTES", region, size)]
        client.infer("ident_bytes", inputs, outputs=[place(api, "OUTPUT0", region, 1024, 1024)])
        found = shm.get_contents_as_numpy(region.handle, np.object_, [2, 2], offset=1024)
        assert [it.decode() for it in found.flatten()] == list(array.flatten()), found


def shared_and_sent_tensors_mix(api, client):
    left = np.array([[1, 2, 3, 4]], dtype=np.int32)
    right = np.array([[10, 20, 30, 40]], dtype=np.int32)
    with Region(client, 4096) as region:
        shm.set_shared_memory_region(region.handle, [left])
        sent = api.InferInput("INPUT1", [1, 4], "INT32")
        sent.set_data_from_numpy(right)
        inputs = [tensor(api, "INPUT0", left, "INT32", region, 16), sent]
        outputs = [place(api, "OUTPUT1", region, 16, 512), api.InferRequestedOutput("OUTPUT0")]
        result = client.infer("addsub", inputs, outputs=outputs)
        assert np.array_equal(result.as_numpy("OUTPUT0"), left + right)
        found = shm.get_contents_as_numpy(region.handle, np.int32, [1, 4], offset=512)
        assert np.array_equal(found, left - right), found


def large_tensors_go_through_shared_memory(api, client):
    array = np.arange(1 << 22, dtype=np.float32).reshape(1, -1)
    with Region(client, array.nbytes) as source, Region(client, array.nbytes) as target:
        shm.set_shared_memory_region(source.handle, [array])
        inputs = [tensor(api, "INPUT0", array, "FP32", source, array.nbytes)]
        outputs = [place(api, "OUTPUT0", target, array.nbytes)]
        client.infer("ident_fp32", inputs, outputs=outputs)
        found = shm.get_contents_as_numpy(target.handle, np.float32, array.shape)
        assert np.array_equal(found, array)


def what_does_not_fit_is_refused(api, client):
    array = np.zeros((1, 4), dtype=np.float32)
    with Region(client, 4096) as region:
        ask = lambda inputs, outputs=None: lambda: client.infer("ident_fp32", [inputs], outputs=outputs)
        good = tensor(api, "INPUT0", array, "FP32", region, 16)
        refused(ask(tensor(api, "INPUT0", array, "FP32", region, 12)), "Expected 16, got 12")
        refused(ask(tensor(api, "INPUT0", array, "FP32", region, 16, 4088)), "Invalid offset + byte size")
        refused(ask(tensor(api, "INPUT0", array, "FP32", region, 16, 1 << 62)), "Invalid offset for")
        refused(ask(good, [place(api, "OUTPUT0", region, 8)]), "should be at least 16 bytes to hold the results")
        name, region.name = region.name, "none"
        unknown = tensor(api, "INPUT0", array, "FP32", region, 16)
        region.name = name
        refused(ask(unknown), "Unable to find shared memory region: 'none'")


def an_object_that_shrinks_ends_no_server(api, client):
    array = np.zeros((1, 1024), dtype=np.float32)
    with Region(client, 1 << 20) as region:
        inputs = [tensor(api, "INPUT0", array, "FP32", region, array.nbytes, 1 << 19)]
        outputs = [place(api, "OUTPUT0", region, array.nbytes, 1 << 19)]
        done = threading.Event()

        def resize():
            while not done.is_set():
                for size in (0, 1 << 12, 1 << 20):
                    os.truncate("/dev/shm" + region.key, size)

        resizing = threading.Thread(target=resize)
        resizing.start()
        answered = 0
        try:
            for _ in range(300):
                try:
                    client.infer("ident_fp32", inputs, outputs=outputs)
                    answered += 1
                except InferenceServerException as error:
                    assert "is smaller than when it was registered" in str(error), error
        finally:
            done.set()
            resizing.join()
        print(f"    {answered} of 300 were answered, the others refused")
    assert client.is_server_live()


def cuda_regions_are_not_there(api, client):
    told = client.get_cuda_shared_memory_status()
    assert not (told if isinstance(told, list) else told.regions), told
    register = lambda: client.register_cuda_shared_memory("c", b"AAAA", 0, 64)
    refused(register, "handle" if api is httpclient else "")
    client.unregister_cuda_shared_memory()


CASES = [
    regions_are_registered_and_told_of,
    every_type_goes_through_shared_memory,
    half_precision_goes_through_shared_memory,
    strings_go_through_shared_memory,
    shared_and_sent_tensors_mix,
    large_tensors_go_through_shared_memory,
    what_does_not_fit_is_refused,
    an_object_that_shrinks_ends_no_server,
    cuda_regions_are_not_there,
]


def main(addresses):
    for api, address in zip((httpclient, grpcclient), addresses):
        client = api.InferenceServerClient(address)
        for case in CASES:
            print(f"{api.__name__} {case.__name__}")
            case(api, client)
        client.close()


if __name__ == "__main__":
    main(sys.argv[1:])
