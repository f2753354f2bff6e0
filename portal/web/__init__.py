"""What every page needs: guards, identity, headers, errors."""
