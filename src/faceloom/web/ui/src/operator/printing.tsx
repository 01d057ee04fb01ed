/** Printing for the operator: the printers and their states, the artwork of the paper, and the last prints. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiUrl, get, post, put, remove } from "../api";
import { Button } from "../parts/button";
import { Icon } from "../parts/icon";
import { load, parseTime, runAction, showMessage } from "../state/booth";
import type { Printer, RecentPrint } from "../types";
import { formatTime, translate } from "../words/words";

const POLL_MS = 5000;
const ARTWORK = ["logo", "frame"] as const;

interface PrintingProps {
  printer: string;
  /** Which of logo and frame the booth has. */
  artwork: string[];
  onChoose: (printer: string) => void;
}

export function Printing({ printer, artwork, onChoose }: PrintingProps) {
  const printers = useSignal<Printer[]>([]);
  const prints = useSignal<RecentPrint[]>([]);
  useEffect(() => {
    const update = (): void =>
      void load(async () => {
        printers.value = (await get("/operator/printers")).printers;
        prints.value = (await get("/operator/prints")).prints;
      });
    update();
    const timer = setInterval(update, POLL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <section class="printing">
      <h2>{translate("op.printing")}</h2>
      <div class="chips" role="group" aria-label={translate("set.printer")}>
        {["", ...printers.value.map(({ name }) => name)].map((name) => (
          <Button key={name} kind="chip" pressed={printer === name} onClick={() => onChoose(name)}>
            {name ? printerText(printers.value.find((one) => one.name === name)) : translate("op.printer.none")}
          </Button>
        ))}
      </div>
      {printers.value.length === 0 && <p class="muted">{translate("op.printers.none")}</p>}
      {ARTWORK.map((kind) => (
        <Artwork key={kind} kind={kind} present={artwork.includes(kind)} />
      ))}
      <h3>{translate("op.reprint.title")}</h3>
      {prints.value.length === 0 && <p class="muted">{translate("op.reprint.none")}</p>}
      <ul class="prints">
        {prints.value.map(({ id, image, at }, n) => (
          <li key={n}>
            <img src={image} alt="" />
            <span>{formatTime(parseTime(at))}</span>
            <Button icon="print" onClick={() => void printAgain(id)}>
              {translate("op.reprint")}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function printerText(printer: Printer | undefined): string {
  if (!printer) return "";
  return [`${printer.name}: ${translate(`printer.${printer.state}`)}`, printer.reason].filter(Boolean).join(", ");
}

async function printAgain(id: string): Promise<void> {
  const sent = await runAction(() => post("/operator/prints/{id}", { path: { id } }).then(() => true));
  if (sent) showMessage(translate("printing"));
}

/** The logo or the frame: its picture, and buttons to choose and to remove it. */
function Artwork({ kind, present }: { kind: (typeof ARTWORK)[number]; present: boolean }) {
  const version = useSignal(0); // grows with every change, so that the browser loads the picture again
  const save = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const body = new FormData();
    body.append("picture", file, file.name);
    await runAction(() => put("/operator/artwork/{kind}", { path: { kind }, body }));
    version.value++;
  };
  const address = `${apiUrl("/operator/artwork/{kind}", { path: { kind } })}?v=${version.value}`;
  return (
    <div class="artwork">
      <label class="button plain file">
        <Icon name="upload" />
        <span>{translate(`op.${kind}`)}</span>
        <input
          type="file"
          accept="image/png"
          class="unseen"
          onChange={(event) => void save(event.currentTarget.files?.[0])}
        />
      </label>
      {present && <img src={address} alt={translate(`op.${kind}`)} />}
      {present && (
        <Button icon="bin" onClick={() => void runAction(() => remove("/operator/artwork/{kind}", { path: { kind } }))}>
          {translate("op.remove")}
        </Button>
      )}
    </div>
  );
}
