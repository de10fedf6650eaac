"""What all pages share: the frame around them, menu, problems, charts."""
