/** Icons: line drawings of 24 px, used beside a text. */

/** SVG paths by name. */
const PATHS = {
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  house: "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
  hour: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  upload: "M4 16v4h16v-4M12 16V4M7.5 8.5L12 4l4.5 4.5",
  phone: "M7 3h10v18H7zM11 18h2",
  undo: "M9 6L4 11l5 5M4 11h10a5.5 5.5 0 0 1 0 9h-3",
  redo: "M15 6l5 5-5 5M20 11H10a5.5 5.5 0 0 0 0 9h3",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  split: "M12 3v18M4 6h4.5v12H4zM15.5 6H20v12h-4.5z",
  keep: "M6 4h12v17l-6-4.5L6 21z",
  reset: "M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4 4v4.5h4.5",
  print: "M7 9V3h10v6M7 18H4V9h16v9h-3M7 14h10v7H7z",
  save: "M12 4v11M7.5 10.5L12 15l4.5-4.5M4 19.5h16",
  next: "M5 12h14M13 6l6 6-6 6",
  back: "M19 12H5M11 6l-6 6 6 6",
  friends:
    "M8.5 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-3.6 2.8-5.5 6-5.5s5.600 1.900 6 5.500M16 5.300a3.300 3.300 0 0 1 0 6.400M17.500 14.700c2.300.500 3.700 2.200 4 5.300",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.700h4M4 14.300h4M16 9.700h4M16 14.300h4",
  dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M15 9h.01M9 15h.01M12 12h.01",
  tree: "M12 4v5M6 15v-3h12v3M4 15h4v4H4zM16 15h4v4h-4zM10 4h4",
  share: "M12 15V3.500M8 7.500l4-4 4 4M6 11H4.500v9.500h15V11H18",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.500l4.500 4.500L19 7.500",
  bolt: "M13 3L5 13.500h6L10.500 21 19 10.500h-6z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
