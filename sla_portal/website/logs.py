"""What log lines leave out."""

import logging
import re

# An address behind which whoever holds it may act for a customer.
PRIVATE = re.compile(r"(/(?:agreement/answer|claims?)/)[^/\s\"']+")


class WithoutKeys(logging.Filter):
    """Take the keys out of private addresses: a log is read by more people than a customer's mail."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if PRIVATE.search(told):
            record.msg, record.args = PRIVATE.sub(r"\1…", told), ()
        return True
