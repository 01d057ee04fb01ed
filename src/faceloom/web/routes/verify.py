"""Verification of marks: the route for pages and programs, and a page for everyone who reaches the booth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from faceloom.web.booth.views import VerifiedLayerView, VerifiedView
from faceloom.web.routes.api import has_token
from faceloom.web.routes.common import ERRORS, TheBooth, client_host, read_photo
from faceloom.web.security import require_page_header
from faceloom.web.worker.messages import VerifyUpload

router = APIRouter(tags=["verify"], responses=ERRORS)
pages = APIRouter(include_in_schema=False)

FILES_PER_MINUTE = 30  # of one address
Upload = Annotated[UploadFile, File(description="A picture, an MP4 film or a likeness; at most 20 MB")]


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
<body><main><h1>Was this made with faceloom?</h1>
<p>Choose a picture or a film. It is read on this machine and not kept.</p>
<form><label class="button">Choose a file
<input type="file" name="file" required accept="image/*,video/mp4,.likeness"></label></form>
<section aria-live="polite"><h2></h2><dl></dl></section>
<p class="note">A picture without marks may have any origin: marks can be removed. Signatures show that a file did not
change, and which installation wrote it.</p></main></body></html>
"""

_SCRIPT = """const input = document.querySelector("input");
const title = document.querySelector("h2");
const list = document.querySelector("dl");
const verdicts = {
  marked: "Yes. All marks are there and agree.",
  incomplete: "Yes. Some of the marks are missing.",
  tampered: "It was changed after it was made: the marks do not agree with the file.",
  "marked by another program": "Another program marked it as made by AI.",
  unmarked: "No marks were found. It may have any origin.",
};
const show = (name, text, state) => {
  const [term, value] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  value.textContent = text;
  value.className = state.replaceAll(" ", "-");
  list.append(term, value);
};
input.addEventListener("change", async () => {
  if (!input.files.length) return;
  list.replaceChildren();
  title.textContent = "Reading ...";
  const body = new FormData(input.form);
  try {
    const answer = await fetch("api/v1/verify", { method: "POST", headers: { "X-Faceloom": "1" }, body });
    const found = await answer.json();
    title.textContent = answer.ok ? verdicts[found.verdict] : found.error.message;
    for (const { name, state, detail } of found.layers ?? []) show(name, detail ? `${state}: ${detail}` : state, state);
  } catch {
    title.textContent = "The booth does not answer. Try again.";
  }
  input.value = "";
});
"""

_CSS = """body { background: #141312; color: #f3efe9; font: 18px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem }
main { margin: auto; max-width: 40rem } h1 { font-size: 1.6rem; font-weight: 600 } h2 { font-size: 1.2rem }
p { color: #b8b0a6 } .note { font-size: .9rem } input { height: 1px; opacity: 0; position: absolute; width: 1px }
.button { background: #ff6f4d; border-radius: 999px; color: #141312; cursor: pointer; display: inline-block;
  font-weight: 600; line-height: 56px; padding: 0 2rem } .button:focus-within { outline: 3px solid #f3efe9 }
dl { display: grid; gap: .5rem 1rem; grid-template-columns: max-content 1fr } dt { color: #b8b0a6 }
dd { margin: 0; overflow-wrap: anywhere } .present { color: #8fd694 } .tampered { color: #ff8a80 }
"""
