"""The programs that Muara is measured beside, each fetching one whole mailbox."""
