"""Inversion within a time budget: ours against three published algorithms, in one run on one machine.

`ours` is the studio's inversion. The others are implemented here from their papers and descriptions, for this
generator:

- `ada`: Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix D. NVIDIA's projectors
  implement it.
- `puzer`: the "StyleGAN encoder" of 2019, which has no paper: features of one VGG16 layer, W+, plain gradient descent.
- `pti`: Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images".

All methods share these conditions. They use the default generator in bf16 as the studio's optimization does (it
generates 256 px directly, without the 1024 px image), VGG16 in bf16, the command line's memory settings, and targets
of 256 px. The seconds count from call to return and include generating the result. They exclude loading weights, and a
warm-up of every method in which the other methods measure the time of their steps. A schedule of N steps is a function
of progress. When its steps do not fit into the seconds, it is compressed; when they need less, it ends early, as
published. Every part of a schedule has at least one step, even when that exceeds the time: this error favors the other
methods.

Further differences from the papers:

- The generator's noise maps are part of its weights. `ada` and `pti` optimize noise maps; here they stay unchanged.
- Images are compared at 256 px, because the targets have that size; PTI compares at 1024 px.
- VGG16 is torchvision's as LPIPS uses it, for `puzer` with its normalization, not with Keras': a rate of 1 is not the
  original's 1, but the rate that did best on two portraits of the train split (bench.inversion.rates).
- PTI tunes weights in fp32, multiplied in bf16. It has no locality regularization (as published by default), and it
  does not stop early when LPIPS is low enough.
"""
