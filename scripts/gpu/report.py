"""What a run of scripts/gpu-check came to, as a dated document: python report.py RESULTS DOCS."""

import datetime
import json
import pathlib
import re
import sys


def text(path):
    return path.read_text().strip() if path.exists() else ""


def loaded(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def runners(doctor):
    yield "| runner | |"
    yield "|---|---|"
    for runner in (doctor or {}).get("runners", []):
        state = runner.get("version") or f"missing: {runner.get('reason')}"
        yield f"| {runner['name']} | {state} |"


def conformance(results):
    yield "| runner | passed | failed | known limits |"
    yield "|---|---:|---:|---:|"
    for path in sorted(results.glob("conformance-*")):
        found = re.search(r"(\d+) passed; (\d+) failed; (\d+) ignored", path.read_text())
        cells = found.groups() if found else ("not run", "", "")
        yield f"| {path.name.removeprefix('conformance-')} | {' | '.join(cells)} |"


def throughput(record, log):
    if record is None:
        yield f"Not measured. {log}"
        return
    yield "Rows per second, medians of turns; the bar is 0.97 of the bare loop over the same library."
    yield ""
    yield "| | bare loop | runner | of the bare loop |"
    yield "|---|---:|---:|---:|"
    found = record["results"]
    for name in sorted(name.removesuffix(", of the bare loop") for name in found if name.endswith(", of the bare loop")):
        left = found[f"{name}, of the bare loop"]
        mark = "" if record["bars"][f"{name}, of the bare loop"]["met"] else " (**not met**)"
        bare, ours = found[f"{name}, bare loop, rows per second"], found[f"{name}, rows per second"]
        yield f"| {name} | {bare:,.1f} | {ours:,.1f} | {left:.3f}{mark} |"
    if log:
        yield f"\n{log}"


def engines(record, log):
    if record is None or not record["results"]:
        yield f"Not measured. {log}"
        return
    yield "| | |"
    yield "|---|---:|"
    for name, value in sorted(record["results"].items()):
        yield f"| {name} | {value:,.1f} |"


def choice(what, told):
    if told is None:
        return f"- {what}: `nav optimize` gave no package."
    decisions = [decision for decision in told.get("decisions", []) if decision.get("choice")]
    if not decisions:
        return f"- {what}: nothing was chosen."
    chosen = decisions[0]["choice"]
    measured = chosen["measurement"]
    runtime = chosen["runtime"]
    return (
        f"- {what}: {runtime['variant']} on {runtime['runner']}, batch {measured.get('batch')}, "
        f"{measured['throughput']:,.1f} rows per second, {len(told.get('variants', []))} variants tried."
    )


def served(what, told, metrics):
    if told is None:
        yield f"- {what}: not served."
        return
    for level in told["levels"]:
        latency = level["latency_ms"]
        yield (
            f"- {what}, {level['concurrency']} requests at a time over gRPC: {level['throughput']:,.1f}/s, "
            f"p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, {len(level['failures'])} kinds of failures."
        )
    names = sorted({line.split("{")[0] for line in metrics.splitlines()})
    yield f"- Metrics of the GPU meanwhile: {', '.join(names) or 'none'}."


def main():
    results, docs = map(pathlib.Path, sys.argv[1:])
    device = text(results / "device") or "an unknown device"
    today = datetime.date.today().isoformat()
    tensorrt = text(results / "tensorrt")
    lines = [
        f"# What ran on a GPU on {today}",
        "",
        f"{device}; PyTorch, CUDA and cuDNN {text(results / 'torch')}; commit {text(results / 'commit')}; `scripts/gpu-check`.",
        "",
        f"A whole TensorRT was found: `{tensorrt.splitlines()[0]}`." if tensorrt else "No whole TensorRT (`libnvinfer.so`) was found.",
        "",
        *runners(loaded(results / "doctor.json")),
        "",
        "## Conformance",
        "",
        *conformance(results),
        "",
        "## Throughput",
        "",
        *throughput(loaded(results / "throughput.json"), text(results / "throughput.log")),
        "",
        "## Engines of TensorRT",
        "",
        *engines(loaded(results / "engines.json"), text(results / "engines.log")),
        "",
        "## What `nav optimize` chose",
        "",
        choice("ResNet-50 sized, TorchScript", loaded(results / "optimize-torch.json")),
        choice("ResNet-50 sized, ONNX", loaded(results / "optimize-onnx.json")),
        "",
        "## As it is served",
        "",
        *served("ResNet-50 sized, TorchScript", loaded(results / "perf-torch.json"), text(results / "metrics-torch")),
        *served("ResNet-50 sized, ONNX", loaded(results / "perf-onnx.json"), text(results / "metrics-onnx")),
        "",
    ]
    name = re.sub(r"[^A-Za-z0-9]+", "-", device.split(",")[0]).strip("-").lower() or "unknown"
    path = docs / f"{today}-{name}.md"
    path.write_text("\n".join(lines))
    print(path)


main()
