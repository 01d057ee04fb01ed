"""Speak the digits 0 to 9 with eSpeak NG in many voices, rates and pitches: one folder of WAV files for each digit.

pip install --require-hashes --no-deps --target build/espeak -r recipes/digits/requirements.txt
.venv/bin/python recipes/digits/speak.py build/espeak build/digits
"""

from __future__ import annotations

import argparse
import ctypes
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceloom.sounds.save import save_sound
from faceloom.sounds.spectrogram import Samples, Sound

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
VARIANTS = (
    *(
        "Alex",
        "Alicia",
        "Andrea",
        "Andy",
        "Annie",
        "Denis",
        "Diogo",
        "Gene",
        "Henrique",
        "Hugo",
        "Jacky",
        "Lee",
        "Marco",
    ),
    *(
        "Mario",
        "Michael",
        "Mike",
        "Nguyen",
        "Reed",
        "adam",
        "anika",
        "antonio",
        "aunty",
        "belinda",
        "benjamin",
        "boris",
    ),
    *("caleb", "david", "ed", "edward", "f1", "f2", "f3", "f4", "f5", "grandma", "grandpa", "gustave", "ian", "iven"),
    *("john", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "michel", "miguel", "pablo"),
    *("paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis", "victor", "zac"),
)
"""Variants that sound like people: no whispering, no robots."""
HELD_OUT = VARIANTS[::6]
"""Variants of the test set: the recognizer never hears them."""
RATES = (160, 240)  # words per minute
PITCHES = (20, 80)  # 0 to 100
QUIET = 0.01  # samples at both ends below this part of the loudest one are cut off: -40 dB
RATE, PITCH, RANGE = 1, 3, 4  # espeak_PARAMETER
RETRIEVAL, UTF8 = 1, 1  # espeak_AUDIO_OUTPUT, encoding of texts


class Speaker:
    """eSpeak NG's library, by its C interface (speak_lib.h)."""

    def __init__(self, package: Path) -> None:
        folder = package / "espeakng_loader"
        self.library = ctypes.CDLL(str(next(folder.glob("*espeak-ng.*"))))
        self.rate = self.library.espeak_Initialize(RETRIEVAL, 0, str(folder).encode(), 0)
        self.parts: list[Samples] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
        if samples and count:
            self.parts.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        return 0

    def speak(self, word: str, voice: str, rate: int, pitch: int, range: int) -> Samples:
        """Return a spoken word without silence at its ends."""
        self.parts.clear()
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"eSpeak NG has no voice {voice}")
        for name, value in ((RATE, rate), (PITCH, pitch), (RANGE, range)):
            self.library.espeak_SetParameter(name, value, 0)
        text = word.encode() + b"\0"
        self.library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, UTF8, None, None)
        self.library.espeak_Synchronize()
        return trim(np.concatenate(self.parts))


def trim(samples: Samples) -> Samples:
    """Cut off the silence at both ends."""
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def plan(count: int, seed: int, variants: tuple[str, ...]) -> Iterator[tuple[int, str, int, int, int]]:
    """Yield `count` random ways to speak: (digit, voice, rate, pitch, range), each digit equally often."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        voice = f"{rng.choice(ACCENTS)}+{rng.choice(variants)}"
        yield number % 10, voice, int(rng.integers(*RATES)), int(rng.integers(*PITCHES)), int(rng.integers(20, 80))


def main() -> None:
    """Speak a training set, and a test set in other voices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="the folder of the package espeakng-loader")
    parser.add_argument("output", type=Path)
    parser.add_argument("--train", type=int, default=4000, help="sounds of the training set")
    parser.add_argument("--test", type=int, default=500, help="sounds of the test set")
    arguments = parser.parse_args()
    speaker = Speaker(arguments.package)
    seen = tuple(name for name in VARIANTS if name not in HELD_OUT)
    for split, count, seed, variants in (("train", arguments.train, 0, seen), ("test", arguments.test, 1, HELD_OUT)):
        for number, (digit, voice, *how) in enumerate(plan(count, seed, variants)):
            path = arguments.output / split / WORDS[digit] / f"{number:05d}.wav"
            save_sound(Sound(speaker.speak(WORDS[digit], voice, *how), speaker.rate), path, ai_generated=False)


if __name__ == "__main__":
    main()
