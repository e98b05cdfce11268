"""Compares what Model Navigator chooses from a package with what `nav show` chooses among the same runners."""

import json
import pathlib
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")

import model_navigator  # noqa: E402
from loguru import logger  # noqa: E402

logger.remove()

STRATEGIES = {
    "max-throughput": model_navigator.MaxThroughputStrategy,
    "min-latency": model_navigator.MinLatencyStrategy,
    "max-throughput-and-min-latency": model_navigator.MaxThroughputAndMinLatencyStrategy,
}


def ours(nav, package, strategy):
    """What we choose among the variants that Model Navigator is told of: the untouched model with default settings."""
    text = subprocess.run([nav, "show", package, "--json"], check=True, capture_output=True).stdout
    shown = json.loads(text)
    plain = {
        (variant["name"], variant["runner"])
        for variant in shown["variants"]
        if not variant["settings"] and variant["instances"] == 1 and variant["runner"].startswith("Onnx")
    }
    measured = [
        (evaluation["runner"], measurement)
        for evaluation in shown["evaluations"]
        if (evaluation["variant"], evaluation["runner"]) in plain
        for measurement in evaluation["measurements"]
    ]
    assert measured, f"{package} has nothing that Model Navigator could choose"
    fastest = min(measured, key=lambda one: one[1]["latency"]["p50_ms"])
    busiest = max(measured, key=lambda one: one[1]["throughput"])
    if strategy == "max-throughput":
        return busiest
    if strategy == "min-latency" or fastest[0] == busiest[0]:
        return fastest
    return None


def main():
    nav, package, work = sys.argv[1:]
    loaded = model_navigator.package.load(package, pathlib.Path(work) / "workspace")
    for name, strategy in STRATEGIES.items():
        expected = ours(nav, package, name)
        try:
            chosen = loaded.get_best_runtime(strategies=[strategy()])
        except Exception as error:  # its error for "nothing fits" is of no type of its own
            assert expected is None, f"{package}: {name}: we choose {expected}, Model Navigator fails: {error}"
            print(f"{package}: {name}: neither chooses")
            continue
        assert expected is not None, f"{package}: {name}: only Model Navigator chooses"
        runner, measurement = expected
        theirs = (chosen.model_status.model_config.key, chosen.runner_status.runner_name)
        assert theirs == ("onnx", runner), f"{package}: {name}: {theirs} is not {runner}"
        assert chosen.throughput == measurement["throughput"], f"{package}: {name}: throughput differs"
        assert chosen.latency == measurement["latency"]["p50_ms"], f"{package}: {name}: latency differs"
        print(f"{package}: {name}: Model Navigator chooses {theirs[0]} on {theirs[1]}, as we do")


main()
