"""What people say of pictures. It outlives every analysis."""
