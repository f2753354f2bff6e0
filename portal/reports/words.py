"""Stored words as people read them. Pure."""

from datetime import date

from portal.access.evidence import Mark

MODES = {
    "personal": "Personal order",
    "standard": "Standard order, as the reader asked",
    "holdout": "Standard order, comparison group",
    "no-consent": "Standard order: no consent to profiling",
    "unknown-device": "Standard order: the device was not known",
}

NOT_MOVED = "Nothing about the doctor moves anything yet: the standard order"

TAKEN_FOR = {
    "device": "the doctor, on the link's first device",
    "verified": "the doctor, confirmed by code",
    "unknown": "not known: another device",
}

MARKS = {
    Mark.HEADLESS: "a browser without a screen",
    Mark.PREFETCH: "a preview or prefetch",
    Mark.NO_AGENT: "no browser named itself",
    Mark.HINTS_DISAGREE: "the browser named itself in two ways",
    Mark.TOO_SOON: "within moments of sending",
    Mark.BURST: "every link of a mail within seconds",
    Mark.MANY_HCPS: "one address opened links of several doctors",
    Mark.NO_GESTURE: "no press of a button was reported",
    Mark.HIDDEN_LINK: "followed a link that nobody can see",
    Mark.STAFF_ADDRESS: "from a network where a member of staff was signed in",
}

CHANNELS = {
    "copy": "copied",
    "email": "by email",
    "mail": "by email",
    "qr": "as a QR code",
    "cli": "from the command line",
}

CALCULATORS = {
    "ckd_epi_2021_cr": "CKD-EPI 2021 (creatinine)",
    "cockcroft_gault": "Cockcroft-Gault",
    "ascvd_pce": "ASCVD pooled cohort equations",
    "ldl_friedewald": "LDL cholesterol (Friedewald)",
}


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(text: str) -> str:
    """Return a day written YYYY-MM-DD in words: 14 Nov 2026."""
    on = date.fromisoformat(text)
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"


def calculator(name: str) -> str:
    """Return a calculator's name in words."""
    return CALCULATORS.get(name, name.replace("_", " "))


def marks(found: list[str] | tuple[str, ...]) -> str:
    """Return signs of a robot in words, joined."""
    return ", ".join(MARKS.get(Mark(mark), mark) if mark in set(Mark) else mark for mark in found)
