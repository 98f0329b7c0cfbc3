"""E-mail: messages built from notices, SMTP sessions, the local inbox and bounce reports."""
