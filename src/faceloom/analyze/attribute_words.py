"""Words of the table of attributes: the labels of its rows and of the ends of their sliders, in every language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Language = Literal["en", "de", "es", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "es", "fr")


@dataclass(frozen=True)
class Words:
    """Words of one language for an attribute: its label, and the low and the high end of its slider."""

    label: str
    low: str
    high: str


WORDS: Mapping[str, Mapping[Language, Words]] = MappingProxyType(
    {
        "age": {
            "en": Words("Age", "younger", "older"),
            "de": Words("Alter", "jünger", "älter"),
            "es": Words("Edad", "más joven", "mayor"),
            "fr": Words("Âge", "plus jeune", "plus âgé"),
        },
        "smile": {
            "en": Words("Smile", "serious", "laughing"),
            "de": Words("Lächeln", "ernst", "lachend"),
            "es": Words("Sonrisa", "en serio", "riendo"),
            "fr": Words("Sourire", "sérieux", "rieur"),
        },
        "glasses": {
            "en": Words("Glasses", "none", "on"),
            "de": Words("Brille", "ohne", "mit"),
            "es": Words("Gafas", "sin", "con"),
            "fr": Words("Lunettes", "sans", "avec"),
        },
        "yaw": {
            "en": Words("Turn", "left", "right"),
            "de": Words("Drehen", "links", "rechts"),
            "es": Words("Girar", "izquierda", "derecha"),
            "fr": Words("Tourner", "gauche", "droite"),
        },
        "pitch": {
            "en": Words("Nod", "up", "down"),
            "de": Words("Nicken", "oben", "unten"),
            "es": Words("Inclinar", "arriba", "abajo"),
            "fr": Words("Incliner", "haut", "bas"),
        },
        "mouth_open": {
            "en": Words("Mouth", "closed", "open"),
            "de": Words("Mund", "zu", "offen"),
            "es": Words("Boca", "cerrada", "abierta"),
            "fr": Words("Bouche", "fermée", "ouverte"),
        },
        "gender": {
            "en": Words("Man, woman", "woman", "man"),
            "de": Words("Mann, Frau", "Frau", "Mann"),
            "es": Words("Hombre, mujer", "mujer", "hombre"),
            "fr": Words("Homme, femme", "femme", "homme"),
        },
        "eyes_open": {
            "en": Words("Eyes", "closed", "open"),
            "de": Words("Augen", "zu", "offen"),
            "es": Words("Ojos", "cerrados", "abiertos"),
            "fr": Words("Yeux", "fermés", "ouverts"),
        },
        "eye_opening": {
            "en": Words("Eyes", "narrow", "wide"),
            "de": Words("Augen", "schmal", "weit"),
            "es": Words("Ojos", "entornados", "muy abiertos"),
            "fr": Words("Yeux", "plissés", "grands ouverts"),
        },
        "brows": {
            "en": Words("Brows", "low", "raised"),
            "de": Words("Augenbrauen", "tief", "hochgezogen"),
            "es": Words("Cejas", "bajas", "levantadas"),
            "fr": Words("Sourcils", "bas", "levés"),
        },
        "mouth_gap": {
            "en": Words("Gap between the lips", "closed", "wide"),
            "de": Words("Lippenabstand", "zu", "weit"),
            "es": Words("Separación de los labios", "cerrados", "abiertos"),
            "fr": Words("Écart des lèvres", "fermées", "ouvertes"),
        },
        "beard": {
            "en": Words("Beard", "shaven", "full"),
            "de": Words("Bart", "rasiert", "voll"),
            "es": Words("Barba", "afeitado", "poblada"),
            "fr": Words("Barbe", "rasé", "fournie"),
        },
        "hair_lightness": {
            "en": Words("Hair color", "dark", "light"),
            "de": Words("Haarfarbe", "dunkel", "hell"),
            "es": Words("Color del pelo", "oscuro", "claro"),
            "fr": Words("Couleur des cheveux", "foncés", "clairs"),
        },
        "hair_warmth": {
            "en": Words("Warmth of the hair", "gray", "golden"),
            "de": Words("Haarton", "grau", "golden"),
            "es": Words("Tono del pelo", "canoso", "dorado"),
            "fr": Words("Teinte des cheveux", "gris", "dorés"),
        },
        "hair_length": {
            "en": Words("Hair length", "short", "long"),
            "de": Words("Haarlänge", "kurz", "lang"),
            "es": Words("Largo del pelo", "corto", "largo"),
            "fr": Words("Longueur des cheveux", "courts", "longs"),
        },
        "skin_tone": {
            "en": Words("Skin tone", "darker", "lighter"),
            "de": Words("Hautton", "dunkler", "heller"),
            "es": Words("Tono de piel", "más oscuro", "más claro"),
            "fr": Words("Teint", "plus foncé", "plus clair"),
        },
        "makeup": {
            "en": Words("Makeup", "none", "strong"),
            "de": Words("Schminke", "keine", "stark"),
            "es": Words("Maquillaje", "ninguno", "intenso"),
            "fr": Words("Maquillage", "aucun", "prononcé"),
        },
        "face_fullness": {
            "en": Words("Face", "slim", "full"),
            "de": Words("Gesicht", "schmal", "voll"),
            "es": Words("Cara", "delgada", "llena"),
            "fr": Words("Visage", "mince", "rond"),
        },
        "hat": {
            "en": Words("Hat", "none", "on"),
            "de": Words("Hut", "ohne", "mit"),
            "es": Words("Sombrero", "sin", "con"),
            "fr": Words("Chapeau", "sans", "avec"),
        },
        "roll": {
            "en": Words("Tilt", "left", "right"),
            "de": Words("Neigen", "links", "rechts"),
            "es": Words("Ladear", "izquierda", "derecha"),
            "fr": Words("Pencher", "gauche", "droite"),
        },
        "sharpness": {
            "en": Words("Sharpness", "blurred", "sharp"),
            "de": Words("Schärfe", "unscharf", "scharf"),
            "es": Words("Nitidez", "borrosa", "nítida"),
            "fr": Words("Netteté", "floue", "nette"),
        },
    }
)
"""The words of every attribute, by its name."""
