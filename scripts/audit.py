"""Says whether a locked dependency has a known vulnerability: `make audit`.

Two services are asked, one after the other, until one answers for all packages: OSV, and the
package index itself.  A vulnerability fails the audit.  Without an answer nothing is known: that
is said, package by package where need be, and fails only with --require.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICES = ("osv", "pypi")
SHOWN = 5
"""Packages named in one line."""


@dataclass(frozen=True)
class Verdict:
    """What one service said of one lock file.

    `found` holds a line a vulnerability, `unknown` the packages the service could not tell of;
    with a `fault` there was no answer at all.
    """

    audited: int = 0
    found: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    fault: str = ""

    @property
    def complete(self) -> bool:
        """Whether every package was looked up."""
        return not self.fault and not self.unknown


def verdict(output: str, errors: str) -> Verdict:
    """Read what pip-audit wrote: a report in JSON, or nothing but the reason of its failure."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        said = [line for line in errors.strip().splitlines() if line.strip()]
        return Verdict(fault=said[-1][:300] if said else "pip-audit said nothing")
    looked_up = [package for package in packages if "skip_reason" not in package]
    found = tuple(
        f"{package['name']} {package['version']}: {each['id']}"
        f" (fixed in {', '.join(each.get('fix_versions') or ['no version yet'])})"
        for package in looked_up
        for each in package.get("vulns", ())
    )
    unknown = tuple(package["name"] for package in packages if "skip_reason" in package)
    return Verdict(len(looked_up), found, unknown)


def asked(lock: Path, service: str, osv_url: str) -> Verdict:
    """Ask *service* about the packages that *lock* holds for this platform."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    command += ["--require-hashes", "--vulnerability-service", service, "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "10", "--desc", "off"]
    command += ["--osv-url", osv_url] if osv_url else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return verdict(done.stdout, done.stderr)


def best(lock: Path, services: list[str], osv_url: str) -> Verdict:
    """Return the first complete verdict, else the one that looked up most.

    A service that gives no answer is dropped from *services*: it would give none again.
    """
    verdicts: list[Verdict] = []
    for service in tuple(services):
        verdicts.append(asked(lock, service, osv_url))
        if verdicts[-1].fault:
            services.remove(service)
        if verdicts[-1].complete or verdicts[-1].found:
            break
    nothing = Verdict(fault="no advisory service answers")
    return max(verdicts, key=lambda each: (bool(each.found), each.audited), default=nothing)


def told(said: Verdict) -> list[str]:
    """Return the lines to print about a lock file."""
    lines = [f"VULNERABLE: {each}" for each in said.found]
    if said.fault:
        return [*lines, f"not audited: {said.fault}"]
    if said.unknown:
        names = ", ".join(said.unknown[:SHOWN]) + (" …" if len(said.unknown) > SHOWN else "")
        lines.append(f"not audited: the service knows nothing of {len(said.unknown)}: {names}")
    if said.audited:
        lines.append(f"{said.audited} packages audited, {len(said.found)} vulnerabilities")
    return lines


def main() -> int:
    """Audit each lock; return 1 when something is vulnerable, or unknown with --require."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("locks", nargs="+", type=Path, help="lock files")
    parser.add_argument("--require", action="store_true", help="fail also where nothing is known")
    parser.add_argument("--osv-url", default="", help="a mirror of OSV's query address")
    options = parser.parse_args()
    verdicts, services = {}, list(SERVICES)
    for lock in options.locks:
        verdicts[lock] = best(lock, services, options.osv_url)
        for line in told(verdicts[lock]):
            print(f"{lock}: {line}", flush=True)
    failed = any(each.found for each in verdicts.values())
    unknown = options.require and not all(each.complete for each in verdicts.values())
    return int(failed or unknown)


if __name__ == "__main__":
    sys.exit(main())
