"""What is found out about a program before it is run: facts, demand, neurons, and the plan that holds them."""
