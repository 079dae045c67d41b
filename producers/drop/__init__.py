"""Drop folders as a way in: whoever can save a file there can emit."""
