/** The shapes that the server speaks, `/api/v1`. Only what the page reads is named. */

export type State = "welcome" | "consent" | "camera" | "who" | "encoding" | "play" | "friend" | "finish" | "wiped";

export interface Visit {
  id: string;
  state: State;
  /** When the visit is wiped by itself: ISO 8601, or seconds since 1970. */
  expires: string | number;
  photo: string | null;
  faces: FoundFace[];
  people: Person[];
  phone?: string | null;
  consent?: { agreed?: boolean } | null;
}

/** `box`: x, y, width, height in fractions of the photo. */
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
  image: string;
  /** The photo's square that was searched for; none for children and mixtures. */
  crop: string | null;
  quality?: Quality | null;
  /** A better likeness came while this one was being changed. */
  better?: boolean;
  traits: Record<string, number>;
  controls: Record<string, number>;
  can_undo?: boolean;
  can_redo?: boolean;
  kept?: Kept[];
  parents?: string[];
}

export interface Kept {
  id: string;
  image: string;
}

/** `person`: which one is meant; `image`: how they look by now. */
export interface Progress {
  person: string;
  seconds_left: number;
  seconds: number;
  quality?: Quality | null;
  word?: string;
  image?: string | null;
  playable?: boolean;
}

export interface Control {
  name: string;
  unit: "years" | "degrees" | "share";
  low: number;
  high: number;
  step: number;
  /** Where "me" is; null: where the person is by their traits. */
  neutral: number | null;
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
  printer: boolean;
  film: string | null;
  controls: Control[];
}

export interface Sample {
  id: string;
  image: string;
  thumb?: string;
}

export interface Take {
  image: string;
  file?: string;
  form: Form;
  expires: string | number;
  event?: string;
}

export type Form = "single" | "strip" | "4x6" | "paste_back" | "film";

export interface Finished {
  download: string;
  qr: string;
  expires: string | number;
  image?: string;
}

export interface Job {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  url?: string | null;
  progress?: number;
}
