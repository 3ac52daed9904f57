"""Mail taken out into a file of its owner's, and mail put in from one; a worker does both."""
