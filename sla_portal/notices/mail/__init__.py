"""Mail: a notice as a letter, and the conversation with the mail server."""
