"""Verification of marks: the route for pages and programs, and a page for everyone who reaches the booth."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from faceloom.web.booth.views import VerifiedLayerView, VerifiedView
from faceloom.web.routes.api import has_token
from faceloom.web.routes.common import ERRORS, TheBooth, client_host, read_photo
from faceloom.web.security import require_page_header
from faceloom.web.settings import Language
from faceloom.web.worker.messages import VerifyUpload

router = APIRouter(tags=["verify"], responses=ERRORS)
pages = APIRouter(include_in_schema=False)

FILES_PER_MINUTE = 30  # of one address
Upload = Annotated[UploadFile, File(description="A picture, an MP4 film, a WAV sound or a likeness; at most 20 MB")]


@router.post("/verify")
async def verify(request: Request, booth: TheBooth, file: Upload) -> VerifiedView:
    """Read the marks of origin in a file: which layers it carries, which are missing, and which were tampered with.

    The file is not kept. No token is needed, as everyone may ask whether a picture was made here.
    """
    if not has_token(request):
        require_page_header(request)
    booth.rate_limiter.check("verify", client_host(request), FILES_PER_MINUTE, 60)
    found = await booth.worker.run(VerifyUpload(await read_photo(file)), client=client_host(request))
    return VerifiedView(
        verdict=found.verdict,
        layers=[VerifiedLayerView(name=layer.name, state=layer.state, detail=layer.detail) for layer in found.layers],
        kind=found.kind,
        generator=found.generator,
        day=found.day,
    )


@pages.get("/verify")
async def read_verify_page() -> HTMLResponse:
    """Return the page that verifies a file."""
    return HTMLResponse(_PAGE)


@pages.get("/verify.js")
async def read_verify_script() -> Response:
    """Return the script of that page."""
    return Response(_SCRIPT, media_type="text/javascript")


@pages.get("/verify.css")
async def read_verify_css() -> Response:
    """Return the style sheet of that page."""
    return Response(_CSS, media_type="text/css")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Was this made with faceloom?</title><link rel="stylesheet" href="verify.css">
<script src="verify.js" defer></script></head>
<body><main><h1 data-text="title">Was this made with faceloom?</h1>
<p data-text="lead">Choose a picture or a film. It is read on this machine and not kept.</p>
<form><label class="button"><span data-text="choose">Choose a file</span>
<input type="file" name="file" required accept="image/*,video/mp4,.wav,.likeness"></label></form>
<section aria-live="polite"><h2></h2><dl></dl></section>
<p class="note" data-text="note">A picture without marks may have any origin: marks can be removed. Signatures show that
a file did not change, and which installation wrote it.</p></main></body></html>
"""

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Was this made with faceloom?",
        "lead": "Choose a picture or a film. It is read on this machine and not kept.",
        "choose": "Choose a file",
        "note": "A picture without marks may have any origin: marks can be removed. Signatures show that a file did "
        "not change, and which installation wrote it.",
        "reading": "Reading …",
        "offline": "The booth does not answer. Try again.",
        "refused": "This file cannot be read.",
        "marked": "Yes. All marks are there and agree.",
        "incomplete": "Yes. Some of the marks are missing.",
        "tampered": "It was changed after it was made: the marks do not agree with the file.",
        "marked by another program": "Another program marked it as made by AI.",
        "unmarked": "No marks were found. It may have any origin.",
        "metadata": "metadata",
        "watermark": "watermark",
        "credentials": "content credentials",
        "signature": "signature",
        "present": "present",
        "missing": "missing",
        "changed": "tampered with",
        "not read": "not read",
    },
    "de": {
        "title": "Wurde das mit faceloom gemacht?",
        "lead": "Wähle ein Bild oder einen Film. Die Datei wird auf diesem Gerät gelesen und nicht behalten.",
        "choose": "Datei wählen",
        "note": "Ein Bild ohne Kennzeichen kann von überall her sein: Kennzeichen lassen sich entfernen. Signaturen "
        "zeigen, dass eine Datei nicht verändert wurde und welche Installation sie geschrieben hat.",
        "reading": "Wird gelesen …",
        "offline": "Die Box antwortet nicht. Versuch es noch einmal.",
        "refused": "Diese Datei kann nicht gelesen werden.",
        "marked": "Ja. Alle Kennzeichen sind da und stimmen überein.",
        "incomplete": "Ja. Einige der Kennzeichen fehlen.",
        "tampered": "Die Datei wurde nachträglich verändert: Die Kennzeichen passen nicht zu ihr.",
        "marked by another program": "Ein anderes Programm hat die Datei als KI-generiert gekennzeichnet.",
        "unmarked": "Es wurden keine Kennzeichen gefunden. Die Datei kann von überall her sein.",
        "metadata": "Metadaten",
        "watermark": "Wasserzeichen",
        "credentials": "Herkunftsnachweis",
        "signature": "Signatur",
        "present": "vorhanden",
        "missing": "fehlt",
        "changed": "verändert",
        "not read": "nicht gelesen",
    },
    "es": {
        "title": "¿Está hecho con faceloom?",
        "lead": "Elige una imagen o un vídeo. Se lee en este equipo y no se guarda.",
        "choose": "Elegir un archivo",
        "note": "Una imagen sin marcas puede tener cualquier origen: las marcas se pueden quitar. Las firmas muestran "
        "que un archivo no ha cambiado y qué instalación lo escribió.",
        "reading": "Leyendo …",
        "offline": "La cabina no responde. Inténtalo de nuevo.",
        "refused": "Este archivo no se puede leer.",
        "marked": "Sí. Todas las marcas están y coinciden.",
        "incomplete": "Sí. Faltan algunas de las marcas.",
        "tampered": "Se modificó después de hacerse: las marcas no coinciden con el archivo.",
        "marked by another program": "Otro programa lo marcó como hecho con IA.",
        "unmarked": "No se encontraron marcas. Puede tener cualquier origen.",
        "metadata": "metadatos",
        "watermark": "marca de agua",
        "credentials": "credenciales de contenido",
        "signature": "firma",
        "present": "presente",
        "missing": "falta",
        "changed": "modificado",
        "not read": "no leído",
    },
    "fr": {
        "title": "Est-ce fait avec faceloom ?",
        "lead": "Choisissez une image ou un film. Le fichier est lu sur cet appareil et n’est pas conservé.",
        "choose": "Choisir un fichier",
        "note": "Une image sans marques peut avoir n’importe quelle origine : les marques peuvent être enlevées. Les "
        "signatures montrent qu’un fichier n’a pas changé et quelle installation l’a écrit.",
        "reading": "Lecture …",
        "offline": "La cabine ne répond pas. Réessayez.",
        "refused": "Ce fichier ne peut pas être lu.",
        "marked": "Oui. Toutes les marques sont là et concordent.",
        "incomplete": "Oui. Certaines marques manquent.",
        "tampered": "Le fichier a été modifié après coup : les marques ne concordent pas avec lui.",
        "marked by another program": "Un autre logiciel l’a marqué comme fait par IA.",
        "unmarked": "Aucune marque n’a été trouvée. L’origine peut être quelconque.",
        "metadata": "métadonnées",
        "watermark": "filigrane",
        "credentials": "attestation de contenu",
        "signature": "signature",
        "present": "présent",
        "missing": "absent",
        "changed": "modifié",
        "not read": "non lu",
    },
}
"""Texts of the page by language. Technical details of a layer are in English, as in the REST API, in small letters."""

_SCRIPT = (
    f"""const words = {json.dumps(WORDS, ensure_ascii=False)};
const asked = new URLSearchParams(location.search).get("lang");
const tags = [asked ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase());
const language = tags.find((tag) => tag in words) ?? "en";
const texts = words[language];
document.documentElement.lang = language;
document.title = texts.title;
for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
"""
    + """const input = document.querySelector("input");
const title = document.querySelector("h2");
const list = document.querySelector("dl");
const show = ({ name, state, detail }) => {
  const [term, value] = [document.createElement("dt"), document.createElement("dd")];
  const word = texts[state === "tampered" ? "changed" : state] ?? state;
  term.textContent = texts[name] ?? name;
  value.textContent = word;
  value.className = state.replaceAll(" ", "-");
  if (detail) {
    const technical = document.createElement("small");
    technical.lang = "en";
    technical.textContent = detail;
    value.append(technical);
  }
  list.append(term, value);
};
input.addEventListener("change", async () => {
  if (!input.files.length) return;
  list.replaceChildren();
  title.textContent = texts.reading;
  const body = new FormData(input.form);
  try {
    const answer = await fetch("api/v1/verify", { method: "POST", headers: { "X-Faceloom": "1" }, body });
    const found = await answer.json();
    const failure = language === "en" ? found.error?.message : texts.refused;
    title.textContent = answer.ok ? texts[found.verdict] : failure;
    for (const layer of found.layers ?? []) show(layer);
  } catch {
    title.textContent = texts.offline;
  }
  input.value = "";
});
"""
)

_CSS = """body { background: #141312; color: #f3efe9; font: 18px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem }
main { margin: auto; max-width: 40rem } h1 { font-size: 1.6rem; font-weight: 600 } h2 { font-size: 1.2rem }
p { color: #b8b0a6 } .note { font-size: .9rem } input { height: 1px; opacity: 0; position: absolute; width: 1px }
.button { background: #ff6f4d; border-radius: 999px; color: #141312; cursor: pointer; display: inline-block;
  font-weight: 600; line-height: 56px; padding: 0 2rem } .button:focus-within { outline: 3px solid #f3efe9 }
dl { display: grid; gap: .5rem 1rem; grid-template-columns: max-content 1fr } dt { color: #b8b0a6 }
dd { margin: 0; overflow-wrap: anywhere } small { color: #b8b0a6; display: block; font-size: .8rem }
@media (max-width: 500px) { dl { grid-template-columns: 1fr; row-gap: 0 }
  dd { margin-bottom: .6rem } } h1, h2 { text-wrap: balance } .present { color: #8fd694 } .tampered { color: #ff8a80 }
"""
