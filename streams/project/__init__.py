"""What is known of each Case and its incidents: `case-updates` folded into one row a Case. Pure."""
