"""From a batch of pictures to result pages: finding files, explaining, writing."""
