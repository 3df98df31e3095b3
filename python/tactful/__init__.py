"""tactful: an embeddable customer decision engine."""
