"""What is asked: routes and the shapes that cross them."""
