"""What an error page says: what happened and what to do, without blame and without telling what exists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorWords:
    """The words of one error page."""

    title: str
    happened: str
    next: str


ERROR_WORDS = {
    400: ErrorWords(
        "This request could not be read",
        "Something in the address or in the form did not arrive as it was sent.",
        "Go back, reload the page and try once more. Nothing was changed.",
    ),
    401: ErrorWords(
        "Please sign in",
        "This page is for people who are signed in, and the session may have ended.",
        "Sign in again. Nothing was changed.",
    ),
    403: ErrorWords(
        "This is not open to you",
        "Your account may not do this, or the form came from a page that is no longer valid.",
        "Go back and reload the page. If you need this for your work, ask your administrator.",
    ),
    404: ErrorWords(
        "There is nothing here",
        "The page may have moved or been withdrawn, or the address is incomplete.",
        "Check the address, or go back and choose again.",
    ),
    405: ErrorWords(
        "This cannot be done that way",
        "The address is right, but it has to be reached through its page or its button.",
        "Go back to the page you came from and use the button there.",
    ),
    409: ErrorWords(
        "Someone was faster",
        "What you were changing has changed since you opened it.",
        "Go back, reload the page to see how it stands now, and make your change again.",
    ),
    410: ErrorWords(
        "This is no longer available",
        "It has expired or has been withdrawn.",
        "Ask the person who sent it to you for what is current.",
    ),
    413: ErrorWords(
        "That is too large",
        "What was sent is larger than this page accepts. Nothing was saved.",
        "Choose a smaller file or a shorter text and try again.",
    ),
    415: ErrorWords(
        "That kind of content is not accepted",
        "What was sent is not in a form this page understands. Nothing was saved.",
        "Choose one of the kinds named beside the field and try again.",
    ),
    422: ErrorWords(
        "Some of this cannot be right",
        "One or more values cannot be used as they are. Nothing was saved.",
        "Go back, look at the values and try again.",
    ),
    429: ErrorWords(
        "That was too often",
        "There were many attempts in a short time, so this page rests for a while.",
        "Wait a few minutes and try again. Nothing is lost.",
    ),
    500: ErrorWords(
        "Something broke on our side",
        "It is not your fault, nothing was saved, and it has been written down with the reference below.",
        "Try again in a moment. If it happens again, tell us the reference.",
    ),
    503: ErrorWords(
        "Not available at the moment",
        "The portal is being looked after, or is busier than it can bear.",
        "Try again in a few minutes. Nothing is lost.",
    ),
}


def words_for(status: int) -> ErrorWords:
    """Gives the words for an HTTP status; an unlisted one gets those of 400 or 500, by its side of the line."""
    return ERROR_WORDS.get(status) or ERROR_WORDS[400 if status < 500 else 500]
