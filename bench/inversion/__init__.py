"""A person's likeness in so many seconds: ours against three published algorithms, in one run on one machine.

`ours` is what the studio does. The others are written here from their papers and descriptions, for this generator:

- `ada`: Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix D. What NVIDIA's
  projectors do.
- `puzer`: the "StyleGAN encoder" of 2019, which has no paper: features of one VGG16 layer, W+, plain gradient descent.
- `pti`: Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images".

The same for all: the default generator in bf16 as the studio searches with it (drawn at 256 px, where our code never
makes the 1024 px image), VGG16 in bf16, memory kept as the command line keeps it, the target of 256 px, the seconds
from call to return with the drawing of the result. Loading weights does not count, nor does a warm-up of every method,
from which the others know how long their steps take. A schedule of N steps is a function of progress; where its
steps do not fit into the seconds it is squeezed to those that do, and where they fit in less, it ends early, as
published. Every part of a schedule gets one step at least, even when that is late: what errs, errs for the others.

What differs from the papers, besides:

- The generator's noise maps are part of its weights. `ada` and `pti` optimise noise maps; here they stay as they are.
- Images are compared at 256 px, since targets have no more; PTI compares at 1024 px.
- VGG16 is torchvision's as LPIPS uses it, for `puzer` with its normalisation, not with Keras': a rate of 1 is not the
  original's 1, but what did best on two train portraits (bench.inversion.rates).
- PTI tunes weights in fp32, multiplied in bf16. It has no locality regularisation (as published by default), and it
  does not stop early when LPIPS is low enough.
"""
