"""Rule sets as stored: draft, review, live, and every version that ever was."""
