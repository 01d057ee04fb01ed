"""The jobs that the command line, the server and a notebook call, one file each. They join the packages below them."""
