"""A try-out of Muara with a mail provider of its own; nothing in the program imports it."""
