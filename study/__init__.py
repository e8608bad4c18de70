"""The study of docs/STUDY.md: training of the captioners, measurements, and verdicts on the claims."""
