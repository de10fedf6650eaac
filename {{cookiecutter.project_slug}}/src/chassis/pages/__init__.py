"""The pages that come with the chassis; each is a function, opened by its address."""
