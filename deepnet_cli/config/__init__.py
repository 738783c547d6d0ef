"""YAML to checked objects: the only room that turns names into things."""
