"""The pages that come with the chassis: one module a page, drawn by its `draw()`."""
