"""An example of a plug-in for neurofuse: a running median as a method, a table as a file format."""
