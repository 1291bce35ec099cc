"""The policies in force, and the file they come from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.config import PolicyFile, read_policies
from contextd.engine.in_force import InForce
from contextd.errors import ConfigInvalid
from contextd.policy.policies import Policy, PolicySet
from contextd.reloading import POLICY, Reloading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.config import Config
    from contextd.observers import PrometheusObserver

LOG = logging.getLogger(__name__)


def wire_policies(
    config: Config, observer: PrometheusObserver
) -> tuple[InForce, Sequence[Reloading[PolicyFile]]]:
    """Read the policies for the first time; return them, and what they are read from.

    Raises:
        ConfigInvalid: names every fault of the file as FILE:LINE.
    """
    path = config.policy.file
    in_force = InForce(PolicySet(Policy.of(config.policy.rules)))

    def use(read: PolicyFile) -> None:
        in_force.use(read.policies)
        observer.policy_is(read.policies.hash)
        for warning in read.warnings:
            LOG.warning("%s", warning)
        LOG.info(
            "policy %s in force, with rules of their own for %d tenants",
            read.policies.hash,
            len(read.policies.tenants),
        )

    def read(contents: Sequence[bytes]) -> PolicyFile:
        try:
            text = contents[0].decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigInvalid(f"{path}: is not UTF-8") from error
        return read_policies(text, path, config.policy, config.origins)

    if not path:
        observer.policy_is(in_force.policies.hash)
        return in_force, ()
    file: Reloading[PolicyFile] = Reloading(POLICY, [Path(path)], read, use)
    file.load()
    return in_force, [file]
