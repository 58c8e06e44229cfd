"""The edge: nginx, its routes and limits, and the program that writes its configuration."""
