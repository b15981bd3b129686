"""Made by hand, in the shape of what nb2pipe generates."""
