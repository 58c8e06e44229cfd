"""Results: a list of `{name, value, unit, baseline, ratio, machine}`, printed and written as JSON."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def machine() -> str:
    """Say what it was measured on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}"


@dataclass(frozen=True)
class Result:
    """One figure, and the same figure of the baseline in the same run; null where a figure has none."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    machine: str


def result(name: str, value: float, unit: str, baseline: float | None = None) -> Result:
    """Make a result; the ratio is value over baseline, in the unit's own direction."""
    ratio = None if baseline is None else round(value / baseline, 4)
    return Result(name, round(value, 3), unit, None if baseline is None else round(baseline, 3), ratio, machine())


def publish(results: list[Result], name: str) -> Path:
    """Print a table and write benchmarks/results/<name>.json."""
    for item in results:
        against = "" if item.baseline is None else f"   baseline {item.baseline:g}, ratio {item.ratio:g}"
        print(f"{item.name:<34}{item.value:>12g} {item.unit}{against}")
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps([asdict(item) for item in results], indent=1) + "\n")
    return file
