"""The booth in the browser and the REST API: a server that loads no network, and a worker process that does."""
