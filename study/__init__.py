"""The study of docs/STUDY.md: which captioners are trained, what is measured, and what it says of the claims."""
