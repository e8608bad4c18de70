"""A batch of pictures to pages: finding, asking, writing."""
