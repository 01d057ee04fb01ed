"""The process that owns the generator: messages, client, scheduler, and the tasks that it runs."""
