"""Every benchmark that there is: `python -m benchmarks`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    attacks,
    decision,
    hostile,
    memory,
    recognition,
    redaction,
    retrieval,
    start,
    turn,
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the shipped index only, one round")
    parser.add_argument("--work", type=Path, default=turn.DEFAULT_WORK)
    given = parser.parse_args(arguments)
    print("== turn: processor time and memory ==", flush=True)
    quick = ["--passages", "0", "--rounds", "1"] if given.quick else []
    turn.main(["--work", str(given.work), *quick])
    print("\n== start: from a second start to the first answer ==", flush=True)
    start.main()
    print(
        "\n== decision: what it costs to decide, to recognise, to mask and to start ==", flush=True
    )
    decision.main(["--work", str(given.work), *(["--rounds", "1"] if given.quick else [])])
    print("\n== recognition: mandatory requests and harmless look-alikes ==", flush=True)
    recognition.main([])
    print("\n== hostile: what a chat model on the attacker's side achieves ==", flush=True)
    hostile.main([])
    print("\n== retrieval: quality and doubt on public questions ==", flush=True)
    sys.stdout.flush()
    retrieval.main([])
    print("\n== memory: what resolved tickets add, in the order of time ==", flush=True)
    memory.main([])
    print("\n== attacks: public ones in every channel, one row of twenty ==", flush=True)
    attacks.main(["--every", "20"])
    print("\n== redaction: what is masked, what is left, what it costs ==", flush=True)
    return redaction.main([])


if __name__ == "__main__":
    raise SystemExit(main())
