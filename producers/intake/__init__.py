"""The way in over HTTP: one event, or a stream of them, each answered with a signed receipt."""
