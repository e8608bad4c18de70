"""The program run again with other derivatives."""
