"""What drills share, and what they start as processes of their own."""
