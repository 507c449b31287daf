"""What Taskhold is compared with."""
