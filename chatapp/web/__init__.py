"""HTTP only: one blueprint per file, and how requests are read, errors told and streams encoded."""
