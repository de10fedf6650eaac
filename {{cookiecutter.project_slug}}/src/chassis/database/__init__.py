"""The database: engine, table base, encrypted columns, migrations."""
