"""What we ship that others wrote, what is known against it, and what must not be shipped at all."""
