"""What AWS says outside of a recognition: who we are, what a bucket lets us do, which quotas apply. No Django."""
