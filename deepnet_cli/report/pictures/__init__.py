"""What pictures show, as numbers (panels.py), and ways to draw it: by matplotlib, or in text."""
