"""Checks of a page in Chromium, as JavaScript functions that return the texts of the elements with a fault."""

# Text that is cut off: a box without a scroll bar whose content is larger, or an element that leaves the page sideways.
TOO_LARGE = """() => [...document.querySelectorAll('body *')].filter((element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const unseen = '.unseen, [aria-hidden=true], dialog:not([open])';
    if (!box.width || style.visibility === 'hidden' || element.closest(unseen)) return false;
    if (!element.matches('button, p, h1, h2, span, label, legend, a, li')) return false;
    const clips = !['visible', 'auto'].includes(style.overflowX);
    const isCut = clips && element.scrollWidth > element.clientWidth + 1;
    const scrolls = element.parentElement.closest('.chips, .row-of-people, .presets, .log, .lab *, pre');
    return element.innerText?.trim() && (isCut || (!scrolls && (box.right > innerWidth + 1 || box.left < -1)));
}).map((element) => element.innerText.trim().slice(0, 60))"""

# Buttons, links and sliders of less than 56 px.
TOO_SMALL = """() => [...document.querySelectorAll("button, a, input[type=range], [role=switch]")]
    .filter((one) => one.getBoundingClientRect().width > 2 && one.checkVisibility())
    .filter((one) => !document.querySelector('dialog[open]') || one.closest('dialog'))
    .map((one) => [one.textContent || one.className, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, box]) => box.width < 55.5 || box.height < 55.5)
    .map(([name, box]) => `${name} ${Math.round(box.width)} x ${Math.round(box.height)}`)"""

# Elements below or beside the screen, and parts of a dialog that are seen only after scrolling.
OUTSIDE = """() => [...document.querySelectorAll("main *, dialog[open] *")]
    .filter((one) => one.matches("button, a, h1, h2, p, .face, .qr") && !one.matches(".unseen, .unseen *"))
    .filter((one) => !one.closest(".chips, .versions, .row-of-people, .lab, .desk"))
    .map((one) => [one.textContent || one.className, one.getBoundingClientRect(), one.closest("dialog")])
    .map(([name, box, dialog]) => [name, box, (dialog ?? document.documentElement).getBoundingClientRect()])
    .filter(([, box, area]) => box.width > 2 && (box.right > area.right + 1 || box.bottom > area.bottom + 1 ||
        box.left < area.left - 1 || box.top < area.top - 1))
    .map(([name]) => name.slice(0, 60))"""

# Headings, buttons and links that lie below the button that starts over.
COVERED = """() => {
    const leave = document.querySelector('.leave')?.getBoundingClientRect();
    if (!leave) return [];
    return [...document.querySelectorAll('main :is(h1, h2, button, a, .qr), .reveal')]
        .filter((one) => one.checkVisibility() && !one.closest('.unseen'))
        .map((one) => [one.textContent || one.className, one.getBoundingClientRect()])
        .filter(([, box]) => box.width > 2 && box.left < leave.right && box.right > leave.left)
        .filter(([, box]) => box.top < leave.bottom && box.bottom > leave.top)
        .map(([name]) => name.slice(0, 60));
}"""

# All texts on the screen.
TEXTS = """() => [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility() &&
    ![...element.children].some((child) => child.innerText) && element.innerText?.trim() && !element.closest('pre'))
    .map((element) => element.innerText.trim())"""
