"""Who is there: users, passwords, sessions, roles."""
