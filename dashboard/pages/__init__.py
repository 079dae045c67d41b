"""Pages for people: one module a page, over templates and static files of our own."""
