"""The program of a function: its graph, what each primitive is to relevance, and source lines."""
