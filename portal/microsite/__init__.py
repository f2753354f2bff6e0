"""From facts to the page that is served, and the stored arrangement that proves it."""
