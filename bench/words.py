"""`python -m bench.words`: judge a sentence embedding on clauses that the grammar does not know.

The threshold was chosen on the first three lists of `bench.words_clauses`; the fourth one is only measured.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping

from bench.words_clauses import FIRST, FOURTH, SECOND, THIRD
from faceloom.checkpoints.sentences import load_sentence_embedder
from faceloom.edit import paraphrase
from faceloom.edit.grammar import parse
from faceloom.edit.paraphrase import Paraphraser, direction_of
from faceloom.errors import LatentError

CHOSEN_ON = FIRST | SECOND | THIRD
REPORTED_ON = FOURTH
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.72, 0.74, 0.76, 0.78, 0.8, 0.85)


def judge(paraphraser: Paraphraser, clauses: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each clause, what happened to it, and the rewording or the refusal.

    A clause that means a phrase is right when it is taken for one of the same attributes and directions.
    """
    for clause, expected in clauses.items():
        try:
            reworded = paraphraser.reword(clause)
            taken = frozenset(map(direction_of, parse(reworded.text, is_request=True)))
        except LatentError as error:
            yield clause, "refused" if expected else "rightly refused", f"{clause}: {error.hint}"
            continue
        if not reworded.rewordings:
            yield clause, "read by the grammar", clause
            continue
        meant = frozenset(map(direction_of, parse(expected, is_request=True))) if expected else None
        outcome = "accepted" if not expected else "right" if taken == meant else "wrong"
        yield clause, outcome, "; ".join(map(str, reworded.rewordings))


def main() -> None:
    """Print the counts of the lists to choose on for each threshold, and of the other one for the chosen threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="print every clause of the list that is measured")
    parser.add_argument("--choose", action="store_true", help="print the lists to choose on alone, with every clause")
    args = parser.parse_args()
    paraphraser = Paraphraser(load_sentence_embedder(), is_request=True)
    chosen = paraphrase.THRESHOLD
    for threshold in THRESHOLDS:
        paraphrase.THRESHOLD = threshold
        print(f"to choose on, threshold {threshold:.2f}: {_counts(paraphraser, CHOSEN_ON)}")
    paraphrase.THRESHOLD = chosen
    shown = CHOSEN_ON if args.choose else REPORTED_ON
    if not args.choose:
        print(f"measured, threshold {chosen:.2f}: {_counts(paraphraser, REPORTED_ON)}")
    for _, outcome, text in judge(paraphraser, shown):
        if args.all or args.choose or outcome in ("wrong", "accepted"):
            print(f"  {outcome}: {text}")


def _counts(paraphraser: Paraphraser, clauses: Mapping[str, str]) -> str:
    counts = Counter(outcome for _, outcome, _ in judge(paraphraser, clauses))
    meant = sum(map(bool, clauses.values()))
    empty = len(clauses) - meant - counts["read by the grammar"]
    known = ", ".join(f"{name} {counts[name]}" for name in ("right", "wrong", "refused"))
    return f"{known} of {meant}; accepted {counts['accepted']} of {empty} that mean no phrase"


if __name__ == "__main__":
    main()
