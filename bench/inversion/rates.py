"""`python -m bench.inversion.rates DATA`: learning rates of the other algorithms, compared on two train portraits.

Use it when another generator or a compressed schedule may change the best rates: `puzer`'s rate, whose scale depends on
the features, and the rate of PTI's first part, .005 in the paper and .1 in `ada`. The results are in
docs/explanation/inversion.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.inversion.methods import warm_up
from bench.inversion.networks import Method, load_networks
from bench.inversion.pti import Pti
from bench.inversion.puzer import Puzer
from bench.portraits import val_portraits
from faceloom.images import to_img
from faceloom.workflows.studio import Studio


def main() -> None:
    """Print LPIPS (AlexNet) of both portraits at every rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--puzer", type=float, nargs="*", default=[0.1, 0.3, 1.0, 3.0])
    parser.add_argument("--pti", type=float, nargs="*", default=[0.005, 0.1])
    args = parser.parse_args()
    networks = load_networks(Studio())
    targets = [to_img(portrait) for _, portrait in val_portraits(args.data, 2, split="train")]
    methods: dict[str, Method] = {f"puzer {rate}": Puzer(networks, rate) for rate in args.puzer}
    methods |= {f"pti {rate}": Pti(networks, rate) for rate in args.pti}
    for name, method in methods.items():
        warm_up(method, targets[0])
        results = [method(target, args.seconds) for target in targets]
        lpips = [networks.alexnet(r.img, target).item() for r, target in zip(results, targets, strict=True)]
        print(f"{name:<12} LPIPS " + " ".join(f"{x:.4f}" for x in lpips) + f", {results[0].steps} steps", flush=True)


if __name__ == "__main__":
    main()
