"""Ask before you send.

``Client`` asks the tools' API of stille and fails closed: any doubt is a no. A
call that may not send for a technical reason says ``unavailable``; no error, no
``repr`` and no log line holds an address or the API key. ``stille.ses`` sends
through Amazon SES what may be sent, with the recipient's unsubscribe link.
"""

from .answer import Error, Fault, Link, Released, Result, Suppressed
from .client import Client
from .contact import Contact

__all__ = ["Client", "Contact", "Error", "Fault", "Link", "Released", "Result", "Suppressed"]
