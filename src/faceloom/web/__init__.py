"""The booth in the browser and the REST API: a server that holds no network, and one worker process that does."""
