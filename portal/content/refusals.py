"""What the content room refuses; each message is a sentence for the person who asked."""


class ContentRefused(Exception):
    """A deed that may not be done."""


class DraftRefused(ContentRefused):
    """A draft whose content cannot stand, or that this person may not change."""


class ApprovalRefused(ContentRefused):
    """A version that may not be submitted, approved or sent back, by this person or at this time."""


class WithdrawalRefused(ContentRefused):
    """A withdrawal without reason, or of something that is not approved."""


class VersionMissing(ContentRefused):
    """There is no such version, module or block."""
