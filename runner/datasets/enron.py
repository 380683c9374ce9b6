"""`enron`: the mail of Enron's employees, as CMU publishes it, from the tar or an unpacked maildir.

A document is a mail's subject and what its writer wrote: text that it quotes or forwards is another mail's.
The same mail lies in several folders; these copies, and replies that are near one another, are dropped as
near-duplicates like those of any dataset.
"""

import html
import quopri
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from functools import partial
from pathlib import Path

from runner.datasets.archives import members
from runner.datasets.document import Document
from runner.datasets.sources import fetched_dataset, obtain_from

ADDRESS = "https://www.cs.cmu.edu/~enron/enron_mail_20150507.tar.gz"
MIN_CHARACTERS = 100
_QUOTED_PRINTABLE = re.compile(rb"=(?:20|09|)\r?\n|=3D", re.IGNORECASE)
# From here on a mail repeats another: what Outlook, Notes and others put before it.
_ANOTHER = re.compile(
    r"^[ \t>]*(?:-+ ?Original (?:Message|Appointment) ?-+|-{3,} Forwarded (?:message|by)\b"
    r"|_{20,}\s*\nFrom: |Begin forwarded message:|On [^\n]{6,80}(?:\n[^\n]{0,60})?\bwrote:[ \t]*$"
    r"|[^\n]{1,80}(?:\n[ \t]*| on )\d\d/\d\d/(?:\d\d)?\d\d \d\d:\d\d(?::\d\d)? [AP]M[ \t]*\n\s*To: )"
    r".*",
    re.MULTILINE | re.DOTALL,
)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*\n?", re.MULTILINE)


def documents(path: Path) -> Iterator[Document]:
    """Mails of an archive or a folder with `MIN_CHARACTERS` of their own; other files are passed over."""
    for name, content in members(path):
        message = message_from_bytes(content, policy=policy.compat32)
        if message["From"] is not None and (message["Date"] or message["Message-ID"]) is not None:
            text = own_text(message)
            if len(text) >= MIN_CHARACTERS:
                yield Document(name, text)


def own_text(message: Message) -> str:
    """Subject and body of a mail, without quoted mails."""
    body = _QUOTED_LINE.sub("", _ANOTHER.sub("", _body(message)))
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in body.splitlines())).strip()
    subject = _subject(message)
    return f"Subject: {subject}\n\n{body}" if body and subject else body


def _subject(message: Message) -> str:
    try:
        subject = str(make_header(decode_header(str(message["Subject"] or ""))))
    except (HeaderParseError, LookupError, ValueError):
        subject = str(message["Subject"])
    return " ".join(subject.split())


def _body(message: Message) -> str:
    """The plain text of the message, or what its HTML says."""
    texts = {
        part.get_content_subtype(): part
        for part in reversed(list(message.walk()))
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment"
    }
    part = texts.get("plain") or texts.get("html")
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)  # of a part that is text
    if part["Content-Transfer-Encoding"] in (None, "7bit") and len(_QUOTED_PRINTABLE.findall(content)) > 1:
        content = quopri.decodestring(content)  # so it was sent, though its header does not say so
    text = _decoded(content, part.get_content_charset("utf-8"))
    if part.get_content_subtype() == "html":
        from runner.datasets.html import text_of

        text = text_of(text)
    return html.unescape(text).replace("\r\n", "\n").replace("\0", "")


def _decoded(content: bytes, charset: str) -> str:
    for encoding in (charset, "utf-8"):
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", errors="replace")


DATASET = fetched_dataset(
    name="enron",
    source="e-mails of Enron's employees (CMU, 7 May 2015)",
    licence="released by the US Federal Energy Regulatory Commission; no licence stated",
    read=documents,
    obtain=partial(obtain_from, url=ADDRESS),
)
