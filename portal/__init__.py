"""The personalized HCP microsite and self-detailing portal."""
