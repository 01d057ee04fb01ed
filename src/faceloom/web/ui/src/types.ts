/** The shapes that the server speaks, `/api/v1`. Only what the page reads is named. */

export type State = "welcome" | "consent" | "camera" | "who" | "encoding" | "play" | "friend" | "finish" | "wiped";

export interface Visit {
  id: string;
  state: State;
  /** When the visit is wiped by itself: ISO 8601. */
  expires: string;
  photo: string | null;
  /** Width and height of the photo, in its pixels. */
  size?: [number, number] | null;
  faces: FoundFace[];
  people: Person[];
  /** People of friends' visits: to be mixed with, not to be changed. */
  friends?: Sample[];
  /** The page for the visitor's phone; null where the booth cannot be reached from outside. */
  phone?: string | null;
}

/** `box`: left, top, right, bottom in pixels of the photo. */
export interface FoundFace {
  number: number;
  box: [number, number, number, number];
  size?: number;
}

export interface Quality {
  lpips?: number;
  mse?: number;
  /** How much alike, 0...1. */
  identity?: number;
  word?: string;
}

export interface Person {
  id: string;
  number: number;
  playable: boolean;
  /** The likeness still becomes better by itself. */
  better: boolean;
  error?: { message: string; hint: string } | null;
  image: string;
  /** As they were found, before any change. */
  found: string | null;
  /** The photo's square that was searched for; none for children and invented people. */
  crop: string | null;
  quality: Quality;
  traits: Record<string, number>;
  sliders: Control[];
  /** Where every slider stands. */
  controls: Record<string, number>;
  can_undo: boolean;
  can_redo: boolean;
  kept: Sample[];
  /** Whose child this is. */
  lineage: string[];
}

/** `person`: which one is meant; `quality`: how much alike, 0...1; `image`: how they look by now. */
export interface Progress {
  person: string;
  seconds_left: number;
  seconds: number;
  quality: number | null;
  word?: string | null;
  image?: string | null;
  playable?: boolean;
}

/** One slider: its range, and where "me" is on it. */
export interface Control {
  name: string;
  min: number;
  max: number;
  unit: "years" | "degrees" | "probability";
  me: number;
}

export interface Booth {
  event: string;
  look: "dark" | "light" | "auto";
  languages: string[];
  kiosk: boolean;
  countdown: number;
  idle_seconds: number;
  retention_minutes: number;
  gallery: boolean;
  slideshow: boolean;
  lab: boolean;
  phone: boolean;
  sound: boolean;
  /** Whether the operator set a printer. */
  printing: boolean;
}

export interface Sample {
  id: string;
  image: string;
}

/** Somebody who does not exist, by the seed that they are drawn from. */
export interface GeneratedFace extends Sample {
  seed: number;
}

export type Form = "single" | "strip" | "4x6" | "paste_back" | "film";

/** Something to take home, as long as it is kept. */
export interface Download {
  id: string;
  download: string;
  qr: string;
  /** Whether a phone can reach the address in the QR code. */
  reachable: boolean;
  expires: string;
  gallery: boolean;
}

export interface Job {
  id: string;
  state: "running" | "done" | "failed";
  progress: number;
  /** The take, once it is done. */
  url: string | null;
  error?: { message: string; hint: string } | null;
}
