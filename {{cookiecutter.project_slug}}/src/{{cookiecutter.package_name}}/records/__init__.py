"""The example of data entry: a register of equipment. docs/data.md tells how to delete it."""
