"""What a run is: its settings, its folder, its checkpoints, and the captioner that comes of it."""
