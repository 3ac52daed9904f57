"""Measures Muara beside other programs that fetch mail; nothing of the program imports it."""
