/** Short tones of the countdown, if the operator switched sound on. */

import { booth } from "./booth";

let context: AudioContext | null = null;

export function beep(hertz: number, seconds = 0.12): void {
  if (!booth.value.sound) return;
  context ??= new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  const now = context.currentTime;
  volume.gain.setValueAtTime(0.2, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + seconds);
  tone.frequency.value = hertz;
  tone.connect(volume).connect(context.destination);
  tone.start(now);
  tone.stop(now + seconds);
}
