"""The rows of the table; each module measures those that share a setting."""
