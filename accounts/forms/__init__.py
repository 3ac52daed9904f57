"""What people type about mail accounts and addresses, and what they choose."""
