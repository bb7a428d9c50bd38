"""The fault script: which requests go wrong, how, and how often."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KINDS: Final = frozenset(
    {"status", "truncated", "cut", "html", "empty", "reset", "slow", "loop", "wrong_length"},
)
METHODS: Final = frozenset({"LIST", "HEAD", "GET"})
FIELDS: Final = frozenset({"prefix", "kind", "status", "seconds", "count", "after", "method"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule; it strikes requests whose listing prefix or object key starts with `prefix`.

    `count` None = always; the first `after` matching requests go unharmed; `method` is LIST, HEAD or GET (of objects);
    `status` serves kind `status`, `seconds` serves kind `slow`.
    """

    kind: str
    prefix: str = ""
    status: int = 503
    seconds: float = 1.0
    count: int | None = None
    after: int = 0
    method: str | None = None


def parse_fault(raw: object) -> Fault:
    """One rule from its JSON object; ValueError says what is wrong with it."""
    if not isinstance(raw, dict) or not raw.keys() <= FIELDS or str(raw.get("kind")) not in KINDS:
        raise ValueError(f"no fault rule: {raw!r}; fields are {sorted(FIELDS)}, kinds are {sorted(KINDS)}")
    fault = Fault(**raw)
    numbers = (fault.status, fault.after, 0 if fault.count is None else fault.count)
    if not isinstance(fault.prefix, str) or not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"no fault rule: {raw!r}; prefix is a text, status, after and count are whole numbers")
    if not isinstance(fault.seconds, int | float):
        raise ValueError(f"no fault rule: {raw!r}; seconds is a number")  # noqa: TRY004 - wrong input, not a wrong call
    if fault.method is not None and fault.method not in METHODS:
        raise ValueError(f"no fault rule: {raw!r}; methods are {sorted(METHODS)}")
    return fault


def parse_faults(raw: object) -> list[Fault]:
    """A fault script from decoded JSON, a list of rules; ValueError otherwise."""
    if not isinstance(raw, list):
        raise ValueError("a fault script is a JSON list of rules")  # noqa: TRY004 - wrong input, not a wrong call
    return [parse_fault(rule) for rule in raw]


def read_faults(path: Path) -> list[Fault]:
    """A fault script from a JSON file; ValueError when it is none."""
    return parse_faults(json.loads(path.read_text(encoding="utf-8")))


class _Rule:
    """A fault with what it has done so far."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.prefix = fault.prefix.encode()
        self.to_skip = fault.after
        self.left = fault.count

    def strikes(self, method: str, subject: bytes) -> bool:
        """Whether this request goes wrong; counts it."""
        if self.left == 0 or not subject.startswith(self.prefix) or self.fault.method not in {None, method}:
            return False
        if self.to_skip:
            self.to_skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultScript:
    """The rules in force; the first one that strikes wins."""

    def __init__(self, faults: list[Fault] | tuple[Fault, ...] = ()) -> None:
        """Start with nothing counted."""
        self._rules = [_Rule(fault) for fault in faults]

    def strike(self, method: str, subject: bytes) -> Fault | None:
        """The fault that hits this request, if any."""
        for rule in self._rules:
            if rule.strikes(method, subject):
                return rule.fault
        return None
